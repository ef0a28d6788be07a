/** The last hex digits of an id: what people are shown and may type. The first ones are a time, alike for a whole day. */
export function shortId(id: string): string {
  return id.slice(-8);
}

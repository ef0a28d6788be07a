// Paths in sentences that people read, and copy into their shell. Pure.

/** A path as one harmless line: control characters would let a file name write on the reader's terminal. */
export function printable(path: string): string {
  return /[\p{Cc}\p{Cf}]/u.test(path) ? JSON.stringify(path).replace(/\p{Cf}/gu, '?') : path;
}

/** A path as one word of a shell command. */
export function shellWord(path: string): string {
  return /^[\w./~@%+:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

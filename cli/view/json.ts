// Shapes of --json output that are not a response of the API as it came.
import { isUtf8 } from 'node:buffer';
import type { WatchItem } from '../../shared/client/watch.ts';

/** An item of a followed run; output as `text`, or as `base64` when its bytes are no UTF-8 text. */
export function watchItemToJson(item: WatchItem): Record<string, unknown> {
  if (item.type !== 'output') return { ...item };
  const { type, stream, offset, data } = item;
  const bytes = isUtf8(data) ? { text: data.toString('utf8') } : { base64: data.toString('base64') };
  return { type, stream, offset, ...bytes };
}

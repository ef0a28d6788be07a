// File names are bytes. Where many of them are compared they are held as texts of one character a byte: quick, and no
// name is lost or taken for another. Pure.

import { encodePath } from '../../shared/byte-path.ts';

const BEYOND_ASCII = /[\u0080-\u00ff]/;

/** What the file system calls take for such a text. */
export function bytesOf(text: string): string | Buffer {
  return BEYOND_ASCII.test(text) ? Buffer.from(text, 'latin1') : text;
}

/** A path of ours (UTF-8) as such a text. */
export function byteText(path: string): string {
  return Buffer.from(path).toString('latin1');
}

/** As manifests and messages write it. */
export function readable(text: string): string {
  return BEYOND_ASCII.test(text) ? encodePath(Buffer.from(text, 'latin1')) : text;
}

// File names are bytes, JSON and URLs are text. A name that is not UTF-8 is written with one private-use
// character for each byte that does not decode, so every name has exactly one text and every text one name.
// Must never lose a byte or map two names to one text: the text is what a download asks for.

import { isUtf8 } from 'node:buffer';

/** Byte 0xNN that is not part of valid UTF-8 ↔ U+10FENN. Only 0x80…0xFF occur. */
const ESCAPE_BASE = 0x10fe00;
const ESCAPED = /[\u{10fe80}-\u{10feff}]/u;

/** The lead byte of every character of the escape range: a name without it can't contain one. */
const ESCAPE_LEAD_BYTE = 0xf4;

/** Bytes of a path → text, always well-formed Unicode. UTF-8 stays what it is. */
export function encodePath(bytes: Buffer): string {
  if (isUtf8(bytes) && !bytes.includes(ESCAPE_LEAD_BYTE)) return bytes.toString('utf8');
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const character = characterAt(bytes, at);
    text += character?.text ?? String.fromCodePoint(ESCAPE_BASE + bytes.readUInt8(at));
    at += character?.length ?? 1;
  }
  return text;
}

/** Text made by `encodePath` → the bytes. */
export function decodePath(text: string): Buffer {
  if (!ESCAPED.test(text)) return Buffer.from(text, 'utf8');
  return Buffer.concat(
    Array.from(text, (character) =>
      ESCAPED.test(character)
        ? Buffer.of((character.codePointAt(0) ?? 0) - ESCAPE_BASE)
        : Buffer.from(character, 'utf8'),
    ),
  );
}

/** The character that starts at `at`; undefined if the byte must be escaped. */
function characterAt(bytes: Buffer, at: number): { text: string; length: number } | undefined {
  const lead = bytes.readUInt8(at);
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const sequence = bytes.subarray(at, at + length);
  if (sequence.length < length || !isUtf8(sequence)) return undefined;
  const text = sequence.toString('utf8');
  // A real character of the escape range is escaped too, or it would decode to a byte that isn't there.
  // More than one character: a continuation byte was taken for a lead byte's length of valid ASCII.
  return ESCAPED.test(text) ? undefined : { text, length };
}

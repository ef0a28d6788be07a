// Taking a device out of use, and back. It is a change of box.yaml, so only who made the box can do it; runs go on.
import { readFile } from 'node:fs/promises';
import { isMap, isSeq, parseDocument } from 'yaml';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { parseBoxFile } from './config.ts';
import { boxPlaces } from './files/places.ts';

/** `why` null brings the device back. Throws `not_found` for an unknown device, `forbidden` for others than the maker. */
export async function setDrained(root: string, device: string, why: string | null): Promise<void> {
  const path = boxPlaces(root).boxFile;
  const document = parseDocument(await readFile(path, 'utf8'));
  const devices: unknown = document.get('devices');
  const items = isSeq(devices) ? devices.items.filter((item) => isMap(item)) : [];
  const item = items.find((candidate) => candidate.get('id') === device);
  if (item === undefined) {
    const known = items.map((candidate) => String(candidate.get('id'))).join(', ');
    throw new QwexError({
      code: 'not_found',
      message: `the box has no device ${device}`,
      hint: `its devices are ${known || 'none'}`,
    });
  }
  if (why === null) item.delete('drained');
  else item.set('drained', why);
  const text = document.toString();
  parseBoxFile(text, path);
  try {
    await writeAtomically(path, text, { mode: 0o644, sync: true });
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS')) throw error;
    throw new QwexError({
      code: 'forbidden',
      message: `can't change ${path}: it belongs to whoever made the box`,
      hint: 'ask them, or use sudo',
      cause: error,
    });
  }
}

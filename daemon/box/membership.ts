// Whether somebody may take part in a box: by the file system's word alone.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { QwexError } from '../../shared/errors.ts';
import type { BoxPlaces } from './files/places.ts';
import { isSystemError } from './system-error.ts';

/** Throws `forbidden` for who may not write into the box, `not_found` when a part of it is missing. */
export async function assertMember(places: BoxPlaces): Promise<void> {
  try {
    for (const folder of [places.tickets, places.leases, places.wake, places.usage]) {
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const isMissing = error.code === 'ENOENT';
    throw new QwexError({
      code: isMissing ? 'not_found' : 'forbidden',
      message: isMissing
        ? `the box in ${places.root} is not whole: ${error.path} is missing`
        : `you may not use the box in ${places.root}: ${error.path} is not yours to write in`,
      hint: isMissing
        ? 'make it anew with: qwex box init'
        : 'ask whoever made it to add you to its group, and log in again',
      cause: error,
    });
  }
}

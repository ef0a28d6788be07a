// What to do about a daemon of another version than this command.
import { isNewer, VERSION } from '../../shared/version.ts';

export function mismatch(daemon: string): { message: string; hint: string } {
  return {
    message: `the daemon is qwex ${daemon}, this command is qwex ${VERSION}`,
    hint: isNewer(VERSION, daemon)
      ? 'qwex daemon restart; runs go on meanwhile'
      : `use qwex ${daemon} here, too: an older command may not understand a newer daemon`,
  };
}

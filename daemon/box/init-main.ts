// Entry of its own for what is done to a box's files without a daemon: making a box, taking a device out of use and
// back. Run by the command line, also as root under sudo: it starts nothing and writes nowhere but into the box. Takes
// one JSON argument and prints one JSON value: `{data}`, or `{error}` for an expected failure.
import { writeSync } from 'node:fs';
import { boxChangeSchema } from '../../shared/box.ts';
import { messageOf, QwexError } from '../../shared/errors.ts';
import { changeBox } from './change.ts';

async function main(): Promise<void> {
  // The others have to read it, whatever the caller keeps from them elsewhere.
  process.umask(0o022);
  const change = boxChangeSchema.safeParse(JSON.parse(process.argv[2] ?? 'null'));
  if (!change.success) {
    const problems = change.error.issues.map(({ path, message }) => `${subjectOf(path)} ${message}`);
    throw new QwexError({ code: 'usage', message: problems.join('\n') });
  }
  print({ data: await changeBox(change.data, process.env) });
}

/** `devices.1.id` in the words of the command line. */
function subjectOf(path: readonly PropertyKey[]): string {
  const [field, index, key] = path.map(String);
  return field === 'devices' ? `${key} of --device number ${Number(index) + 1}` : path.map(String).join('.');
}

function print(value: unknown): void {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    if (error instanceof QwexError) {
      const { code, message, hint, details } = error;
      print({ error: { code, message, hint, details } });
      process.exit(0);
    }
    process.stderr.write(`${error instanceof Error ? error.stack : messageOf(error)}\n`);
    process.exit(70);
  },
);

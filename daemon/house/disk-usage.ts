import { execa } from 'execa';

/** What a folder takes on the disk, in bytes; null when that can't be told. */
export async function diskUsage(path: string): Promise<number | null> {
  const { stdout, failed } = await execa('du', ['-s', '--block-size=1', '--', path], {
    reject: false,
    stdin: 'ignore',
  });
  const bytes = Number.parseInt(stdout, 10);
  return failed && !Number.isFinite(bytes) ? null : bytes;
}

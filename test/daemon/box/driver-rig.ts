// nvidia-smi and rocm-smi on a PATH of the test's own, which answer with what real ones have printed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FIXTURES = join(import.meta.dirname, 'fixtures');

const NVIDIA = `#!/bin/sh
answer() { [ -f "$here/$1.txt" ] || exit 9; cat "$here/$1.txt"; [ ! -f "$here/$1.code" ] || exit "$(cat "$here/$1.code")"; exit 0; }
case "$1" in
  --query-gpu=*mig.mode*) answer query-gpu ;;
  --query-gpu=*) answer query-gpu-without-mig ;;
  --query-compute-apps=*) answer query-apps ;;
  -L) answer list ;;
  '') answer table ;;
esac
exit 2
`;

const ROCM = `#!/bin/sh
case "$*" in
  *--showpidgpus*) cat "$here/pidgpus.txt" ;;
  *--showpids*--json*) cat "$here/pids.txt" ;;
  *--json*) cat "$here/cards.txt" ;;
  *) exit 2 ;;
esac
`;

export class DriverRig {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<DriverRig> {
    return new DriverRig(await mkdtemp(join(tmpdir(), 'qwex-driver-')));
  }

  get env(): NodeJS.ProcessEnv {
    return { PATH: `${this.folder}:/usr/bin:/bin` };
  }

  async nvidia(fixture: string, name = 'nvidia-smi'): Promise<void> {
    await this.program(name, NVIDIA.replace('\n', `\nhere='${join(FIXTURES, fixture)}'\n`));
  }

  async rocm(fixture: string): Promise<void> {
    await this.program('rocm-smi', ROCM.replace('\n', `\nhere='${join(FIXTURES, fixture)}'\n`));
  }

  async program(name: string, text: string): Promise<void> {
    await writeFile(join(this.folder, name), text, { mode: 0o755 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

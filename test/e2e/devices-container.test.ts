// Devices inside a container that a template of the user's own makes: what is passed in is what the lease says.
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { makeFakeBox } from '../rig/fake-box.ts';
import { isMissing } from '../rig/needs.ts';
import { Rig } from '../rig/rig.ts';

/** As docs/box.md has it: nothing of the caller's environment but what is named. */
const TEMPLATE = `{# qwex
description: In a container of its own, which sees the devices of the run
needs: [bwrap]
#}
pass=()
for name in PATH QWEX_RUN_ID QWEX_GPUS CUDA_VISIBLE_DEVICES NVIDIA_VISIBLE_DEVICES CUDA_DEVICE_ORDER; do
  [[ -z \${!name+set} ]] || pass+=(--setenv "$name" "\${!name}")
done
exec bwrap --ro-bind / / --dev /dev --proc /proc --bind "$PWD" "$PWD" --unshare-pid --die-with-parent \\
  --clearenv "\${pass[@]}" bash -c {{ inner | quote }}
`;
const SHOW =
  'mkdir -p out; echo "$QWEX_GPUS|$CUDA_VISIBLE_DEVICES|$NVIDIA_VISIBLE_DEVICES|$CUDA_DEVICE_ORDER|$INHERITED" >out/seen';

/** Installed, and allowed to make one: some kernels let only root. */
const mayContain =
  spawnSync('bwrap', ['--ro-bind', '/', '/', '--proc', '/proc', '--unshare-pid', 'true']).status === 0;

test.skipIf(isMissing(mayContain, 'a bwrap that can make a container'))(
  'a run in a container sees its devices, by UUID, and nothing inherited',
  async () => {
    await using rig = await Rig.start({ daemon: false });
    const box = rig.path('box');
    await makeFakeBox({ path: box, types: ['fake', 'fake', 'fake'] });
    await writeFile(rig.paths.config, `slots: 2\nbox: ${box}\n`, { mode: 0o600 });
    await rig.startDaemon();
    const repo = await rig.repo({ '.qwex/templates/inside.sh.j2': TEMPLATE });
    const env = {
      CUDA_VISIBLE_DEVICES: '7',
      QWEX_GPUS: 'mine',
      NVIDIA_VISIBLE_DEVICES: 'all',
      INHERITED: 'yes',
    };
    const seen = async (...flags: string[]) => {
      const words = ['run', ...flags, '-r', 'inside', '--', 'bash', '-c', SHOW];
      const id = await rig.ok(words, { cwd: repo.root, env });
      expect(await rig.ended(id)).toMatchObject({ status: 'succeeded', artifactCount: 1 });
      return rig.shell(`cat "${(await rig.client.get(id)).directory}/files/out/seen"`);
    };
    expect((await seen('--gpus', '2')).stdout).toBe(
      'gpu0,gpu1|FAKE-gpu0,FAKE-gpu1|FAKE-gpu0,FAKE-gpu1|PCI_BUS_ID|\n',
    );
    expect((await seen()).stdout).toBe('||void|PCI_BUS_ID|\n');
  },
);

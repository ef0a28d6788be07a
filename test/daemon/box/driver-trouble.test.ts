// Drivers that are slow, fail, lose devices or keep things to themselves, and what a box makes of it. Fixtures have the
// forms that drivers 390 to 580 have been seen to print.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Accounts } from '../../../daemon/box/accounts.ts';
import { checkDevices } from '../../../daemon/box/device-check.ts';
import { findDevices } from '../../../daemon/box/devices/index.ts';
import { NvidiaDevices } from '../../../daemon/box/devices/nvidia.ts';
import { parsePidGpus } from '../../../daemon/box/devices/rocm.ts';
import { typeOfName } from '../../../daemon/box/devices/source.ts';
import { boxFindings, boxStatus } from '../../../daemon/box/index.ts';
import { DriverRig } from './driver-rig.ts';
import { BoxRig } from './rig.ts';

const policy = { stranger_memory_mb: 1024, ignore: [] };

/** What stands in the way of the devices that a driver finds, as words by id. */
async function obstacles(rig: DriverRig, devices: { id: string; uuid: string }[], timeoutMs = 20_000) {
  const listed = devices.map((device) => ({ ...device, type: 'x', memory_mb: 0 }));
  const notes = await checkDevices(
    devices.map(({ id }) => id),
    {
      source: new NvidiaDevices({ env: rig.env, timeoutMs }),
      box: {
        source: 'nvidia',
        devices: listed,
        policy: { ...policy, members: {}, half_life: 1, patience: 1 },
      },
      accounts: new Accounts(),
    },
  );
  return Object.fromEntries(notes.map(({ device, words }) => [device, words]));
}

async function found(rig: DriverRig) {
  const devices = await new NvidiaDevices({ env: rig.env }).find();
  return devices.map(({ id, uuid, type, memoryMb }) => ({ id, uuid: uuid ?? '', type, memoryMb }));
}

test.each([
  ['driver-570-mig', ['a100-3g.40gb 40192', 'a100-2g.20gb 19968', 'a100-1g.10gb 9728', 'a100-1g.10gb 9728']],
  [
    'driver-580-mig',
    ['a100-4g.20gb 20096', 'a100-1c.2g.10gb 9984', 'a100-1c.2g.10gb 9984', 'a100-1g.5gb 4864', 'a100 40960'],
  ],
  ['driver-515-empty-mig', ['a100 81920']],
])('instances as %s prints them', async (fixture, expected) => {
  await using rig = await DriverRig.open();
  await rig.nvidia(fixture);
  expect((await found(rig)).map(({ type, memoryMb }) => `${type} ${memoryMb}`)).toEqual(expected);
});

test('of two compute instances that share their memory only the used one is in use', async () => {
  await using rig = await DriverRig.open();
  await rig.nvidia('driver-580-mig');
  const words = await obstacles(rig, await found(rig));
  expect(words).toEqual({ 'gpu0-mig2': expect.stringMatching(/^pid 52417 .*, 8\.8 GB$/) });
});

test('a GPU in MIG mode is given to nobody itself', async () => {
  await using rig = await DriverRig.open();
  await rig.nvidia('driver-570-mig');
  const whole = [{ id: 'gpu0', uuid: 'GPU-5f1c2a60-11aa-4c0e-8d2b-7e90a1b2c3d4' }];
  expect(await obstacles(rig, whole)).toEqual({ gpu0: 'the driver does not show it' });
});

test('a device that has fallen off the bus is not given out, whatever the exit code', async () => {
  await using rig = await DriverRig.open();
  await rig.nvidia('driver-550-lost');
  const devices = await found(rig);
  expect(devices.map(({ id }) => id)).toEqual(['gpu0', 'gpu2']);
  const lost = { id: 'gpu1', uuid: 'GPU-8c2d3e4f-44dd-4f3b-9a5e-0bc3d4e5f6ff' };
  expect(await obstacles(rig, [...devices, lost])).toEqual({ gpu1: 'the driver does not show it' });
  await rig.nvidia('driver-550-all-lost');
  expect(Object.keys(await obstacles(rig, [...devices, lost]))).toEqual(['gpu0', 'gpu2', 'gpu1']);
  await rig.program(
    'nvidia-smi',
    '#!/bin/sh\necho "Unable to determine the device handle for GPU0: Not Found"; exit 255\n',
  );
  expect((await obstacles(rig, [lost])).gpu1).toContain('failed with code 255: Unable to determine');
});

test('a driver that fails once is asked once more; one that hangs is not', async () => {
  await using rig = await DriverRig.open();
  await rig.nvidia('driver-550-lost');
  const devices = await found(rig);
  const once = `#!/bin/sh\n[ -e '${rig.folder}/failed' ] && exec '${rig.folder}/well' "$@"\n: >'${rig.folder}/failed'\nexit 15\n`;
  await rig.nvidia('driver-550-lost', 'well');
  await rig.program('nvidia-smi', once);
  expect(await obstacles(rig, devices)).toEqual({});
  await rig.program('nvidia-smi', `#!/bin/sh\necho >>'${rig.folder}/asked'\nexec sleep 1000\n`);
  const words = await obstacles(rig, devices, 600);
  expect(words.gpu0).toContain('did not answer within 0.6 s');
  // Two questions, side by side.
  expect(await readFile(`${rig.folder}/asked`, 'utf8')).toBe('\n\n');
});

test('who may not use the devices is told where to look', async () => {
  await using rig = await DriverRig.open();
  const said = 'echo "Failed to initialize NVML: Insufficient Permissions"; exit 4';
  await rig.program('nvidia-smi', `#!/bin/sh\n${said}\n`);
  await expect(findDevices({ env: rig.env })).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('Insufficient Permissions'),
    hint: expect.stringContaining('ls -l /dev/nvidia0'),
  });
});

test('a driver that is left over does not hide the other one', async () => {
  await using rig = await DriverRig.open();
  const said = `echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9`;
  await rig.program('nvidia-smi', `#!/bin/sh\n${said}\n`);
  await expect(findDevices({ env: rig.env })).rejects.toMatchObject({ code: 'unreachable' });
  await rig.rocm('rocm-6');
  expect(await findDevices({ env: rig.env })).toMatchObject({ source: 'rocm' });
  await rig.nvidia('driver-535');
  expect(await findDevices({ env: rig.env })).toMatchObject({ source: 'nvidia' });
});

test('processes of AMD devices, one number to a line or none at all', () => {
  const text =
    'PID 7 is using 0 DRM device(s)\nPID 8 is using 2 DRM device(s):\n0 \n1 \nPID 9 is using 1 DRM device(s):\n0 \n=====\n';
  expect([...parsePidGpus(text)]).toEqual([
    [7, []],
    [8, [0, 1]],
    [9, [0]],
  ]);
});

test.each([
  ['NVIDIA GH200 480GB', 'gh200'],
  ['NVIDIA B200', 'b200'],
  ['NVIDIA GB10', 'gb10'],
  ['NVIDIA H100 NVL', 'h100'],
  ['NVIDIA A100 80GB PCIe', 'a100'],
  ['NVIDIA RTX PRO 6000 Blackwell Workstation Edition', 'rtxpro6000'],
  ['NVIDIA GeForce RTX 4090 Laptop GPU', 'rtx4090'],
  ['NVIDIA TITAN Xp', 'titanxp'],
  ['GRID A100X-40C', 'a100x'],
  ['Rembrandt [Radeon 680M]', 'radeon680m'],
  ['AMD Radeon Graphics', 'radeon'],
])('%s is type %s', (name, type) => expect(typeOfName(name)).toBe(type));

test('a device that is pulled out while the daemon runs is passed by, named, and back when it is back', async () => {
  await using rig = await BoxRig.open({ devices: 2 });
  const a = await rig.member('a');
  const [first, second] = [{ id: 'gpu0' }, { id: 'gpu1' }];
  await rig.describe({ devices: [second] });
  const run = a.ask();
  expect((await a.turnOf(run)).devices).toEqual(['gpu1']);
  const status = await boxStatus(a.box, { shared: true });
  expect(status.devices.map(({ state, note }) => [state, note])).toEqual([
    ['missing', 'the driver does not show it'],
    ['leased', null],
  ]);
  const next = a.ask();
  expect(await a.box.decide()).toEqual([]);
  expect(await a.why(next)).toContain('gpu0: the driver does not show it');
  expect((await boxFindings(a.box)).map(({ message }) => message).join()).toContain('gpu0 is in box.yaml');
  await rig.describe({ devices: [first, second] });
  // The note about it lasts 30 s: another daemon hasn't seen it, and looks for itself.
  const b = await rig.member('b');
  a.box.withdraw(next);
  const other = b.ask();
  expect((await b.turnOf(other)).devices).toEqual(['gpu0']);
  a.box.giveBack(run);
  b.box.giveBack(other);
});

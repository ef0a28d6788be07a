import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Accounts } from '../../../daemon/box/accounts.ts';
import { findDevices, sourceOf } from '../../../daemon/box/devices/index.ts';
import { NvidiaDevices } from '../../../daemon/box/devices/nvidia.ts';
import { RocmDevices } from '../../../daemon/box/devices/rocm.ts';
import { type Observation, typeOfName } from '../../../daemon/box/devices/source.ts';
import { findStranger } from '../../../daemon/box/devices/strangers.ts';
import { deviceVariables } from '../../../daemon/box/environment.ts';
import { DriverRig } from './driver-rig.ts';

const short = (uuid: string | null) => uuid?.slice(0, 12);

test.each([
  ['NVIDIA A100-SXM4-40GB', 'a100'],
  ['A100-PCIE-40GB', 'a100'],
  ['Tesla V100-SXM2-16GB', 'v100'],
  ['NVIDIA H100 80GB HBM3', 'h100'],
  ['NVIDIA GeForce RTX 3090', 'rtx3090'],
  ['GeForce GTX 1080 Ti', 'gtx1080ti'],
  ['NVIDIA GeForce RTX 4070 Ti SUPER', 'rtx4070tisuper'],
  ['NVIDIA RTX A6000', 'a6000'],
  ['NVIDIA RTX 6000 Ada Generation', 'rtx6000ada'],
  ['Quadro RTX 8000', 'rtx8000'],
  ['NVIDIA L40S', 'l40s'],
  ['Tesla T4', 't4'],
  ['TITAN V', 'titanv'],
  ['TITAN RTX', 'titanrtx'],
  ['Instinct MI250X', 'mi250x'],
  ['AMD Instinct MI300X', 'mi300x'],
  ['Radeon RX 7900 XT', 'radeonrx7900xt'],
  ['Graphics Device', 'graphics'],
])('%s is type %s', (name, type) => expect(typeOfName(name)).toBe(type));

test('a driver that knows nothing of MIG', async () => {
  await using rig = await DriverRig.open();
  await rig.nvidia('driver-390');
  const devices = new NvidiaDevices({ env: rig.env });
  expect(await devices.find()).toEqual([
    { id: 'gpu0', uuid: 'GPU-0200523e-f473-3a45-9b4a-fbbe0e41ccf8', type: 'gtx1080', memoryMb: 8119 },
    { id: 'gpu1', uuid: 'GPU-5dfd2f5a-1f2a-6a3c-2f0c-5a0b7b0f0d11', type: 'gtx750ti', memoryMb: 1995 },
    { id: 'gpu2', uuid: 'GPU-7b7b61cd-5c4f-9d0e-7a0a-2fbb2d7e1c52', type: 'titanv', memoryMb: 12_066 },
  ]);
  const seen = await devices.observe();
  expect([...seen.values()].map(({ utilizationPercent }) => utilizationPercent)).toEqual([0, null, 87]);
  expect(seen.get('GPU-7b7b61cd-5c4f-9d0e-7a0a-2fbb2d7e1c52')?.processes).toMatchObject([
    { pid: 4312, memoryMb: 9318, name: '/opt/conda/bin/python' },
  ]);
});

test('a lost device, what is not supported, and names with commas', async () => {
  await using rig = await DriverRig.open();
  await rig.nvidia('driver-535');
  const devices = new NvidiaDevices({ env: rig.env });
  expect((await devices.find()).map(({ id, type }) => `${id} ${type}`)).toEqual([
    'gpu0 a100',
    'gpu1 a100',
    'gpu3 rtx3090',
    'gpu4 a6000',
  ]);
  const seen = await devices.observe();
  expect(seen.get('GPU-b8ea3855-276c-c9cb-b366-c6fa655957c5')?.processes).toMatchObject([
    { pid: 20_117, memoryMb: 38_190, name: 'python,-m,odd,name' },
    { pid: 20_290, memoryMb: null, name: null },
  ]);
  expect(seen.get('GPU-0069414c-9f30-41f9-d5d8-87890423f0c4')).toMatchObject({
    memoryUsedMb: null,
    utilizationPercent: null,
    processes: [],
  });
});

test.each([
  [
    'driver-450-mig',
    [
      'gpu0-mig0 a100-4g.20gb 20096',
      'gpu0-mig1 a100-2g.10gb 9984',
      'gpu0-mig2 a100-mig 4864',
      'gpu1 a100 40537',
    ],
    31_337,
  ],
  [
    'driver-550-mig',
    ['gpu0-mig0 h100-3g.40gb 40448', 'gpu0-mig1 h100-1g.10gb-me 9984', 'gpu1 h100 81559'],
    812_345,
  ],
])('instances of a GPU in MIG mode, with who is on which (%s)', async (fixture, expected, pid) => {
  await using rig = await DriverRig.open();
  await rig.nvidia(fixture);
  const devices = new NvidiaDevices({ env: rig.env });
  const found = await devices.find();
  expect(found.map(({ id, type, memoryMb }) => `${id} ${type} ${memoryMb}`)).toEqual(expected);
  expect(found.map(({ uuid }) => uuid?.startsWith('MIG-'))).toEqual(
    found.map(({ id }) => id.includes('mig')),
  );
  const seen = await devices.observe();
  const used = found.filter(({ uuid }) => (seen.get(uuid ?? '')?.processes.length ?? 0) > 0);
  expect(used).toHaveLength(1);
  expect(seen.get(used[0]?.uuid ?? '')?.processes[0]?.pid).toBe(pid);
});

test('AMD devices, with keys in either case and warnings before the JSON', async () => {
  await using rig = await DriverRig.open();
  await rig.rocm('rocm-6');
  const devices = new RocmDevices({ env: rig.env });
  expect(await devices.find()).toEqual([
    { id: 'gpu0', uuid: 'GPU-9246e1f3b3c0a7d1', type: 'radeonrx7900xt', memoryMb: 20_464 },
    { id: 'gpu1', uuid: null, type: 'gpu', memoryMb: 512 },
  ]);
  const seen = await devices.observe();
  expect(seen.get('GPU-9246e1f3b3c0a7d1')).toMatchObject({
    utilizationPercent: 0,
    memoryUsedMb: 27,
    processes: [
      { pid: 1_168_514, memoryMb: 16_917, name: 'pt_main_thread' },
      { pid: 3_722_222, memoryMb: null, name: 'a,b' },
    ],
  });
  expect(seen.get('gpu1')?.processes.map(({ pid }) => pid)).toEqual([3_722_222]);
  await rig.rocm('rocm-5');
  expect((await devices.find()).map(({ type, uuid }) => [type, short(uuid)])).toEqual([
    ['mi250x', 'GPU-18f1d6a8'],
  ]);
});

test('a driver that fails, hangs or says nonsense is an error with a way out', async () => {
  await using rig = await DriverRig.open();
  const devices = new NvidiaDevices({ env: rig.env, timeoutMs: 200 });
  await expect(devices.find()).rejects.toMatchObject({ code: 'not_found' });
  const failed =
    'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."; exit 9';
  await rig.program('nvidia-smi', `#!/bin/sh\n${failed}\n`);
  await expect(devices.observe()).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining("couldn't communicate"),
  });
  await rig.program('nvidia-smi', '#!/bin/sh\nexec sleep 1000\n');
  await expect(devices.find()).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('0.2 s'),
  });
  await rig.program('nvidia-smi', '#!/bin/sh\necho "No devices were found"; exit 6\n');
  expect(await devices.find()).toEqual([]);
  await rig.program('rocm-smi', '#!/bin/sh\necho "{ oh"\n');
  await expect(new RocmDevices({ env: rig.env }).find()).rejects.toMatchObject({ code: 'unreachable' });
});

test('the machine is asked through whichever driver it has', async () => {
  await using rig = await DriverRig.open();
  expect(await findDevices({ env: rig.env })).toEqual({ source: 'declared', devices: [] });
  await rig.rocm('rocm-5');
  expect(await findDevices({ env: rig.env })).toMatchObject({ source: 'rocm', devices: [{ id: 'gpu0' }] });
  await rig.nvidia('driver-535');
  expect(await findDevices({ env: rig.env })).toMatchObject({ source: 'nvidia' });
  expect(await sourceOf({ source: 'declared' }).observe()).toEqual(new Map());
});

const idle: Observation = {
  memoryMb: 40_000,
  memoryUsedMb: 10,
  utilizationPercent: 0,
  processes: [],
  namesProcesses: true,
};
const rules = { thresholdMb: 1024, ignore: ['mine'] };

test('who is a stranger on a device', async () => {
  const accounts = new Accounts();
  const look = (changes: Partial<Observation>, holders: { session: number; member: number }[] = []) =>
    findStranger({ ...idle, ...changes }, { rules, holders, accounts });
  const me = { pid: process.pid, memoryMb: 9318, name: 'node' };
  const uid = process.getuid?.() ?? 0;
  expect(await look({})).toBeNull();
  expect(await look({ processes: [{ ...me, memoryMb: 900 }] })).toBeNull();
  expect(await look({ processes: [{ ...me, name: 'mine' }] })).toBeNull();
  expect(
    await look({ processes: [{ pid: 4_194_000, memoryMb: 5000, name: '/usr/lib/xorg/Xorg' }] }),
  ).toBeNull();
  expect((await look({ processes: [me] }))?.words).toMatch(
    new RegExp(`^pid ${process.pid} \\S+ .*, 9\\.1 GB$`),
  );
  expect((await look({ processes: [{ ...me, memoryMb: null }] }))?.words).not.toContain('GB');
  expect((await look({ memoryUsedMb: 2048 }))?.words).toBe(
    'a process that is not to be seen from here, 2.0 GB',
  );
  expect((await look({ processes: [{ pid: 4_194_000, memoryMb: 2048, name: 'a\u001b[31m' }] }))?.words).toBe(
    'pid 4194000 a?[31m, 2.0 GB',
  );
  const child = spawn('bash', ['-c', 'sleep 1000 & echo $!; wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [data] = (await once(child.stdout, 'data')) as [Buffer];
  const processes = [{ pid: Number(String(data)), memoryMb: 5000, name: 'sleep' }];
  const session = child.pid ?? 0;
  expect(await look({ processes }, [{ session, member: uid }])).toBeNull();
  expect((await look({ processes }, [{ session, member: uid + 1 }]))?.pid).toBe(processes[0]?.pid);
  expect((await look({ processes }, [{ session: 999_999_999, member: uid }]))?.pid).toBe(processes[0]?.pid);
  const exited = once(child, 'exit');
  process.kill(-session, 'SIGKILL');
  await exited;
});

test('what a run is told about its devices', () => {
  const devices = ['a', 'b', 'c'].map((uuid, index) => ({
    id: `gpu${index}`,
    type: 't',
    memory_mb: 0,
    uuid,
  }));
  expect(deviceVariables(['gpu2', 'gpu0'], { source: 'nvidia', devices })).toEqual({
    QWEX_GPUS: 'gpu0,gpu2',
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    CUDA_VISIBLE_DEVICES: 'a,c',
    NVIDIA_VISIBLE_DEVICES: 'a,c',
  });
  expect(deviceVariables([], { source: 'nvidia', devices })).toMatchObject({
    QWEX_GPUS: '',
    CUDA_VISIBLE_DEVICES: '',
    NVIDIA_VISIBLE_DEVICES: 'void',
  });
  expect(deviceVariables(['gpu1'], { source: 'rocm', devices })).toMatchObject({
    ROCR_VISIBLE_DEVICES: 'b',
    HIP_VISIBLE_DEVICES: '0',
  });
  const bare = devices.map(({ id, type, memory_mb }) => ({ id, type, memory_mb }));
  expect(deviceVariables(['gpu1'], { source: 'declared', devices: bare }).CUDA_VISIBLE_DEVICES).toBe('1');
});

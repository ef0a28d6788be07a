import { expect, test } from 'vitest';
import { formatMade } from '../../../cli/view/box-made.ts';
import { formatReport } from '../../../cli/view/box-report.ts';
import { formatBox } from '../../../cli/view/box-status.ts';
import { styleFor } from '../../../cli/view/style.ts';
import type { BoxDeviceStatus, BoxMade, BoxReportResponse, BoxStatus } from '../../../shared/box.ts';

const now = new Date(2026, 10, 21, 14, 0, 0);
const nowMs = now.getTime();
const options = { now, style: styleFor(false, {}) };
const free: BoxDeviceStatus = {
  id: 'gpu0',
  type: 'a100',
  uuid: 'GPU-0',
  memoryMb: 40_960,
  memoryUsedMb: 0,
  utilizationPercent: 0,
  state: 'free',
  member: null,
  run: null,
  sinceMs: null,
  untilMs: null,
  note: null,
};
const leased: BoxDeviceStatus = {
  ...free,
  id: 'gpu1',
  memoryUsedMb: 12_390,
  utilizationPercent: 97.6,
  state: 'leased',
  member: 'ann',
  run: '01a20076-3855-7721-b950-334f27201aca',
  sinceMs: nowMs - 1000,
  untilMs: nowMs + 11_400_000,
};
const status: BoxStatus = {
  path: '/var/lib/qwex',
  shared: true,
  devices: [
    free,
    leased,
    { ...free, id: 'gpu2', state: 'stranger', note: 'pid 4312 user3 python, 9.1 GB' },
    { ...free, id: 'gpu3', state: 'drained', note: 'drained: fan' },
    { ...free, id: 'gpu4', state: 'drained', note: 'drained: ' },
  ],
  line: [
    {
      position: 1,
      run: '01a20076-3855-7721-b950-334f27201acb',
      member: 'ben',
      gpus: 2,
      type: 'a100',
      expectedMs: nowMs + 11_400_000,
      reason: 'first in line; needs 2 GPUs, 1 free',
    },
    {
      position: null,
      run: '01a20076-3855-7721-b950-334f27201acc',
      member: 'cem',
      gpus: 1,
      type: null,
      expectedMs: null,
      reason: 'not in the line: its daemon is not running',
    },
  ],
  problems: [],
};

test('devices with holder, time left, memory and use; the line with its reasons', () => {
  expect(formatBox(status, options)).toBe(
    `/var/lib/qwex  (shared)

DEVICE  TYPE  STATE     MEMBER  RUN       TIME LEFT        MEMORY  USE  NOTE
gpu0    a100  free                                    0.0/40.0 GB   0%
gpu1    a100  leased    ann     27201aca     3h 10m  12.1/40.0 GB  98%
gpu2    a100  stranger                                0.0/40.0 GB   0%  pid 4312 user3 python, 9.1 GB
gpu3    a100  drained                                 0.0/40.0 GB   0%  fan
gpu4    a100  drained                                 0.0/40.0 GB   0%

PLACE  RUN       MEMBER  GPUS    STARTS BY  WHY IT WAITS
    1  27201acb  ben     a100:2  17:10:00   first in line; needs 2 GPUs, 1 free
    -  27201acc  cem     1       unknown    not in the line: its daemon is not running`,
  );
});

test('reasons are whole in a narrow window, and names of others steer no terminal', () => {
  const line = [{ ...status.line[0], member: '\u001b[2Jx' }] as BoxStatus['line'];
  const text = formatBox({ ...status, line }, { ...options, width: 60 });
  expect(text).toContain('first in line; needs 2 GPUs, 1 free');
  expect(text).toContain('\\e[2Jx');
});

test('a private box, declared devices, a holder that has run over', () => {
  const device = { ...leased, memoryMb: 0, memoryUsedMb: null, utilizationPercent: null, untilMs: nowMs - 1 };
  const text = formatBox({ ...status, shared: false, devices: [device], line: [] }, options);
  expect(text).toContain('your own');
  expect(text).toMatch(/gpu1 .*ann .*over$/m);
  expect(text).not.toContain('MEMORY');
  expect(text).toContain('nobody waits');
});

test('the report: claims beside what others saw, and what is worth a look', () => {
  const report: BoxReportResponse = {
    sinceMs: nowMs - 7 * 86_400_000,
    untilMs: nowMs,
    members: [
      {
        member: 'ann',
        runs: 12,
        deviceSeconds: 7200,
        share: 0.305,
        witnessedDeviceSeconds: 10_800,
        decayedDeviceSeconds: 3600,
        note: 'others saw more than is claimed: their figure counts',
      },
      {
        member: 'ben',
        runs: 1,
        deviceSeconds: 5,
        share: 0.001,
        witnessedDeviceSeconds: 0,
        decayedDeviceSeconds: 0,
        note: null,
      },
    ],
    remarkable: [{ ...leased, note: 'held, and not used' }],
  };
  expect(formatReport(report, options)).toBe(
    `since 2026-11-14 14:00; what counts now is what fair share goes by

MEMBER  RUNS  DEVICE TIME  OF ALL  SEEN BY OTHERS  COUNTS NOW  NOTE
ann       12       2h 00m     31%          3h 00m      1h 00m  others saw more than is claimed: their figure counts
ben        1         5.0s     <1%               0           0

worth a look:
DEVICE  TYPE  STATE   MEMBER  RUN       TIME LEFT        MEMORY  USE  NOTE
gpu1    a100  leased  ann     27201aca     3h 10m  12.1/40.0 GB  98%  held, and not used`,
  );
});

test('a box that was just made: what each member has to do', () => {
  const made: BoxMade = {
    path: '/var/lib/qwex',
    isUsualPlace: true,
    source: 'nvidia',
    devices: [{ id: 'gpu0', type: 'a100', uuid: 'GPU-0', memoryMb: 40_960 }],
    group: 'lab',
    owner: 0,
    warnings: [],
  };
  const text = formatMade(made, options.style);
  expect(text).toContain('made /var/lib/qwex with 1 device (found by nvidia-smi)');
  expect(text).toContain('gpu0    a100  40.0 GB  GPU-0');
  expect(text).toContain('members of the group lab');
  expect(text).not.toContain('config set');
  expect(formatMade({ ...made, path: '/a b', isUsualPlace: false }, options.style)).toContain(
    "qwex config set box '/a b'",
  );
});

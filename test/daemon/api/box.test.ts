// The routes of the box, over a real box with fake devices.
import { describe, expect, it } from 'vitest';
import { boxRoutes } from '../../../daemon/api/routes/box.ts';
import type { Box } from '../../../daemon/box/index.ts';
import { API, fillPath, LOCAL_API, type Route } from '../../../shared/api.ts';
import type { BoxDoctorResponse, BoxReportResponse, BoxStatus } from '../../../shared/box.ts';
import { QwexError } from '../../../shared/errors.ts';
import { BoxRig } from '../box/rig.ts';

/** One request; throws what the route throws. */
async function ask<T>(
  { box, isShared = true }: { box: Box | null; isShared?: boolean },
  row: Route,
  { device = '', body, query = '' }: { device?: string; body?: unknown; query?: string } = {},
): Promise<T> {
  const line = {
    box,
    isShared,
    notice: null,
    again: async () => undefined,
    problem: box ? null : 'no devices: no such file',
  };
  const app = boxRoutes({ line });
  app.onError((error) => {
    throw error;
  });
  const headers = { 'content-type': 'application/json' };
  const payload = body === undefined ? {} : { body: JSON.stringify(body), headers };
  const path = fillPath(row, { device }) + query;
  const response = await app.request(path, { method: row.method.toUpperCase(), ...payload });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

describe('the routes of the box', () => {
  it('show devices and the line; a box of others is shared, the own one is not', async () => {
    await using rig = await BoxRig.open({ devices: 2 });
    const { box } = await rig.member('ann');
    const { run } = await (await rig.member('ben')).running({ gpus: 2 });
    const cem = await rig.member('cem');
    const waiting = cem.ask({ gpus: 1 });
    const status = await ask<BoxStatus>({ box }, LOCAL_API.box);
    expect(status).toMatchObject({ path: rig.root, shared: true, problems: [] });
    expect(status.devices.map((device) => [device.id, device.state, device.run])).toEqual([
      ['gpu0', 'leased', run],
      ['gpu1', 'leased', run],
    ]);
    expect(status.line).toMatchObject([{ run: waiting, position: 1, gpus: 1 }]);
    const own = await ask<BoxStatus>({ box, isShared: false }, LOCAL_API.box);
    expect(own.shared).toBe(false);
  });

  it('report and find', async () => {
    await using rig = await BoxRig.open();
    const { box } = await rig.member('ann');
    await (await rig.member('ben')).running();
    const report = await ask<BoxReportResponse>({ box }, LOCAL_API.boxReport, {
      query: `?sinceMs=${Date.now()}`,
    });
    expect(report.members).toMatchObject([{ runs: 1 }]);
    expect(report.remarkable).toEqual([]);
    await expect(ask({ box }, LOCAL_API.boxReport, { query: '?sinceMs=x' })).rejects.toThrow('400');
    const { findings, path } = await ask<BoxDoctorResponse>({ box }, LOCAL_API.boxDoctor);
    expect(path).toBe(rig.root);
    expect(findings.map(({ level }) => level)).toEqual(['ok']);
  });

  it('point out a device that is held by nobody known', async () => {
    await using rig = await BoxRig.open();
    const member = await rig.member('ann');
    const grant = await member.turnOf(member.ask());
    await member.start(grant, 'silent');
    member.box.giveBack(grant.run);
    const query = `?sinceMs=${Date.now()}`;
    const report = await ask<BoxReportResponse>({ box: member.box }, LOCAL_API.boxReport, { query });
    expect(report.remarkable).toMatchObject([{ id: 'gpu0', member: null }]);
  });

  it('take a device out of use and back', async () => {
    await using rig = await BoxRig.open();
    const { box } = await rig.member('ann');
    const other = await rig.member('ben');
    /** Until the other daemon has read box.yaml again. */
    const seenAs = async (state: string) => {
      for (;;) {
        const seen = other.wakes;
        const { devices } = await ask<BoxStatus>({ box: other.box }, LOCAL_API.box);
        if (devices[1]?.state === state) return devices[1].note;
        await other.woken(seen);
      }
    };
    const drained = await ask({ box }, LOCAL_API.boxDrain, { device: 'gpu1', body: { why: 'fan' } });
    expect(drained).toEqual({ path: rig.root, device: 'gpu1', drained: 'fan' });
    expect(await seenAs('drained')).toBe('drained: fan');
    await ask({ box }, LOCAL_API.boxResume, { device: 'gpu1' });
    expect(await seenAs('free')).toBeNull();
    await expect(ask({ box }, LOCAL_API.boxResume, { device: 'gpu7' })).rejects.toThrow('no device gpu7');
    const tooLong = { device: 'gpu1', body: { why: 'x'.repeat(201) } };
    await expect(ask({ box }, LOCAL_API.boxDrain, tooLong)).rejects.toThrow('400');
  });

  it('say what it means to have none', async () => {
    const asked = ask({ box: null }, LOCAL_API.box);
    await expect(asked).rejects.toThrow(QwexError);
    await expect(asked).rejects.toMatchObject({
      code: 'not_found',
      message: 'this daemon takes part in no box: no devices: no such file',
    });
    expect(Object.values(API)).not.toContainEqual(expect.objectContaining({ path: LOCAL_API.box.path }));
  });
});

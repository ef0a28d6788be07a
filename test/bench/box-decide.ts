// What it costs to decide about a long line: all of it (files, locks, plan, notes), beside the plan alone; and to show it.
import { boxStatus } from '../../daemon/box/index.ts';
import { planBox } from '../../daemon/box/plan/plan.ts';
import { alternate, timed } from './alternate.ts';
import type { Bench } from './bench.ts';
import { Crowd } from './box-crowd.ts';
import { compared, measured, median } from './figure.ts';

export const boxDecide: Bench = {
  name: 'box-decide',
  about: 'a decision about 20 members with 50 tickets each, beside the plan alone, and qwex box',
  async *run({ quick }) {
    const shape = quick ? { devices: 4, members: 4, tickets: 5 } : { devices: 16, members: 20, tickets: 50 };
    await using crowd = await Crowd.gather(shape);
    const { box } = crowd.member;
    const all = shape.members * shape.tickets;
    const first = await timed(() => box.decide());
    const { survey } = await box.look();
    if (survey.tickets.length !== all) throw new Error(`${survey.tickets.length} tickets, not ${all}`);
    const decided = await alternate(
      { pairs: quick ? 5 : 60, warmUps: 5 },
      () => {
        crowd.change();
        return timed(() => box.decide());
      },
      () => timed(() => planBox(survey.view, survey.nowMs)),
    );
    yield compared({
      figure: `a decision, ${all} tickets`,
      unit: 'ms',
      otherName: 'the plan alone',
      ...decided,
      target: { atMost: 20 },
    });
    yield measured({ figure: 'the first one of a daemon', unit: 'ms', value: first });
    const give = await crowd.openFirst();
    const given: number[] = [];
    for (let at = 0; at < (quick ? 3 : 40); at += 1) given.push(await give());
    yield measured({
      figure: 'a decision that gives a device, with its claim',
      unit: 'ms',
      value: median(given),
      samples: given.length,
      target: { atMost: 20 },
    });
    const shown: number[] = [];
    const told: number[] = [];
    for (let at = 0; at < (quick ? 3 : 20); at += 1) {
      shown.push(await timed(() => boxStatus(box, { shared: true })));
      told.push(await timed(() => Promise.all(crowd.own.map((run) => box.explain(run)))));
    }
    yield measured({
      figure: `what qwex box asks for, ${all} tickets`,
      unit: 'ms',
      value: median(shown),
      samples: shown.length,
      target: { atMost: 40 },
    });
    yield measured({
      figure: `the reasons of a daemon's ${crowd.own.length} tickets`,
      unit: 'ms',
      value: median(told),
      samples: told.length,
      target: { atMost: 5 },
    });
  },
};

// Every route of a real daemon, asked for with whatever a socket can carry. Nothing crashes, nothing outside of the
// home is touched, and whoever is refused is told why in the one shape that refusals have.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';
import { ask } from './raw-http.ts';
import { requestsTo, serialize } from './requests.ts';
import { cases, timeLimit } from './settings.ts';
import { checkAnswer, World } from './world.ts';

test(
  'whatever is asked of whichever route has a well-formed answer, and is never a bug',
  async () => {
    await using rig = await Rig.start();
    const world = await World.start(rig);
    const { socket } = rig.paths;
    const batch = fc.array(requestsTo(world.target), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(batch, async (requests) => {
        const asked = requests.map((request) => ask(socket, serialize(request), request.method));
        for (const [index, answer] of (await Promise.all(asked)).entries())
          checkAnswer(answer, requests[index]?.method ?? '');
      }),
      cases(90),
    );
    await world.check();
    expect((await rig.client.list()).runs.length).toBeGreaterThan(1);
  },
  timeLimit(60),
);

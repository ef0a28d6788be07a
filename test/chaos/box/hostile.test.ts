// One box, three real accounts with real daemons, and what one member can do to the turn and the data of another.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API, LOCAL_API } from '../../../shared/api.ts';
import type { LocalSubmitResponse } from '../../../shared/schemas/local.ts';
import type { Run } from '../../../shared/schemas/run.ts';
import { isRoot } from '../../rig/accounts.ts';
import { daemonPid } from '../prey.ts';
import { BoxWorld, type Member } from './world.ts';

// Somebody without root can't make accounts; a build server that can't is misconfigured, and has to say so.
if (!isRoot && process.env.CI !== 'true')
  console.warn('not root: the tests with hostile members are left out');

describe.skipIf(!isRoot && process.env.CI !== 'true')('one member of a box', { timeout: 90_000 }, () => {
  let world: BoxWorld;
  beforeAll(async () => {
    world = await BoxWorld.make({ seed: 1, accounts: 3, types: ['fake'] });
    await Promise.all(world.members.map((member) => member.revive()));
  });
  afterAll(async () => {
    for (const member of world.members) await member.qwex('daemon', 'stop');
    world[Symbol.dispose]();
  });

  const [ann, ben, cem] = [0, 1, 2].map((index) => () => world.members[index] as Member) as [
    () => Member,
    () => Member,
    () => Member,
  ];
  const place = (...names: string[]) => join(world.box, ...names);

  async function submit(member: Member, bash: string): Promise<string> {
    const body = {
      cwd: member.repository,
      commands: [['bash', '-c', bash]],
      environment: { PATH: process.env.PATH ?? '/usr/bin:/bin', TOKEN: 'a secret' },
      resources: { gpus: 1, gpuType: null, timeMs: 600_000 },
    };
    const { runs } = await member.runner.request<LocalSubmitResponse>(LOCAL_API.submitLocal, { body });
    return runs[0]?.id ?? '';
  }

  function ended(member: Member, id: string): Promise<Run> {
    return member.runner.request<Run>(API.wait, { params: { id }, query: { timeout: 60 } });
  }

  /** A run that has the device until it is told to let go. */
  async function holding(member: Member): Promise<{ id: string; letGo(): void }> {
    const go = join(world.folder, randomUUID());
    const id = await submit(member, `echo begun; until [[ -e ${go} ]]; do sleep 0.05; done`);
    await expect.poll(async () => (await member.runner.get(id)).status, { timeout: 20_000 }).toBe('running');
    return { id, letGo: () => writeFileSync(go, '') };
  }

  /** A run that waits, and whose ticket everyone sees. */
  async function waiting(member: Member): Promise<string> {
    const id = await submit(member, 'echo at last');
    await expect.poll(async () => (await member.runner.get(id)).position, { timeout: 20_000 }).not.toBeNull();
    return id;
  }

  async function doctor(member: Member): Promise<string> {
    const { stdout, stderr } = await member.qwex('box', 'doctor');
    return stdout + stderr;
  }

  test("can't read another's environment, logs, files or processes", async () => {
    const { id, letGo } = await holding(ann());
    const { home, runs, repository } = ann();
    const pid = readFileSync(join(runs, id, 'meta', 'pid'), 'utf8').split(' ')[0];
    const secrets = [
      join(home, 'env', '*'),
      join(runs, id, 'logs', 'stdout.log'),
      join(runs, id, 'run.json'),
    ];
    secrets.push(
      join(home, 'qwex.db'),
      join(home, 'daemon.sock'),
      `/proc/${pid}/environ`,
      `/proc/${pid}/fd/1`,
    );
    secrets.push(join(home, 'spaces', id, 'job.sh'));
    for (const path of secrets) {
      const { code, said } = ben().account.shell(`cat ${path}`);
      expect(`${path}: ${code === 0 ? said : 'refused'}`).toBe(`${path}: refused`);
    }
    expect(repository).not.toBe('');
    letGo();
    expect(await ended(ann(), id)).toMatchObject({ status: 'succeeded' });
  });

  test("can't keep another from its turn by taking the names that its run is about to use", async () => {
    const { id, letGo } = await holding(ann());
    const next = await waiting(ann());
    const key = readFileSync(place('tickets', `${next}.json`), 'utf8').match(/"daemon":"([^"]+)"/)?.[1] ?? '';
    const pid = daemonPid(ann().home);
    for (const name of [
      `${next}.lease`,
      `${next}.life`,
      `${key}.deciding`,
      `.${key}.deciding.${pid}`,
      `.${key}.spare`,
    ]) {
      ben().account.shell(`echo mine >'${place('leases', name)}'`);
    }
    ben().account.shell(`echo mine >'${place('tickets', `.${next}.json.${pid}`)}'`);
    letGo();
    expect(await ended(ann(), next)).toMatchObject({ status: 'succeeded', devices: ['gpu0'] });
    expect(await ended(ann(), id)).toMatchObject({ status: 'succeeded' });
    expect(await doctor(cem())).toContain(`${next}.lease, of ${ben().account.name}, is ignored`);
    ben().account.shell(`find '${world.box}' -user ${ben().account.name} -name '*${next}*' -delete`);
  });

  test("can't take another's waiting run out of the line by naming it as one's own", async () => {
    const { letGo } = await holding(ben());
    const next = await waiting(ann());
    const own = cem();
    const { uid } = own.account;
    const forged = {
      run: next,
      daemon: `${uid}-00000000`,
      gpus: 1,
      type: null,
      timeMs: 1,
      priority: 9,
      prepared: true,
    };
    own.account.shell(
      `printf %s '${JSON.stringify(forged)}' >'${place('tickets', `${next}.0123456789abcdef.json`)}'`,
    );
    const lease = {
      run: next,
      daemon: `${uid}-00000000`,
      devices: ['gpu0'],
      timeMs: null,
      claimUntilMs: 9e15,
    };
    own.account.shell(
      `printf '%s\\n' '${JSON.stringify(lease)}' >'${place('leases', `${next}.0123456789abcdef.lease`)}'`,
    );
    expect(await doctor(ben())).toContain('another member has named this run before');
    letGo();
    expect(await ended(ann(), next)).toMatchObject({ status: 'succeeded' });
    own.account.shell(`find '${world.box}' -user ${own.account.name} -name '*${next}*' -delete`);
  });

  test('stops nobody with fifos, sockets, folders, links, huge files and thousands of others in all folders', async () => {
    const { letGo } = await holding(ann());
    const next = await waiting(ben());
    const key = `${cem().account.uid}-00000000`;
    const names = ['tickets/ID.json', 'leases/ID.lease', `leases/${key}.note`, `usage/${key}.json`];
    names.push(`wake/${key}.wake`, `wake/${key}.daemon`, `wake/${key}.life`);
    const makers = [
      'mkfifo P',
      'mkdir P',
      'ln -s /dev/zero P',
      'truncate -s 1G P',
      'head -c 9000 /dev/urandom >P',
    ];
    makers.push("python3 -c 'import socket,sys; socket.socket(1).bind(sys.argv[1])' P", 'touch P; chmod 0 P');
    for (const maker of makers) {
      const lines = names.map((name) => maker.replace('P', `'${place(name.replace('ID', randomUUID()))}'`));
      // What has a fixed name goes before the next one comes.
      cem().account.shell(`${lines.join('; ')}; true`);
      expect((await ended(ann(), await ranBeside(ann()))).status).toBe('succeeded');
      cem().account.shell(
        `rm -rf '${place('wake', key)}'* '${place('leases', key)}'* '${place('usage', key)}'*`,
      );
    }
    cem().account.shell(`cd '${place('tickets')}'; for n in {1..3000}; do echo {} >"junk$n.json"; done`);
    letGo();
    expect(await ended(ben(), next)).toMatchObject({ status: 'succeeded' });
    const words = await doctor(ann());
    for (const said of ['not a regular file', 'a symbolic link', '1073741824 bytes', "can't be opened"])
      expect(words).toContain(said);
    cem().account.shell(`find '${world.box}' -user ${cem().account.name} -path '*tickets*' -delete`);
  });

  /** A run without a device: the daemon answers. */
  async function ranBeside(member: Member): Promise<string> {
    const commands = [['true']];
    const body = { cwd: member.repository, commands, environment: { PATH: '/usr/bin:/bin' } };
    const { runs } = await member.runner.request<LocalSubmitResponse>(LOCAL_API.submitLocal, { body });
    return runs[0]?.id ?? '';
  }

  test("can't stop the line with an arbiter that a stopped process holds for ever", async () => {
    const turn = cem().account.command('flock', [
      place('locks', 'arbiter.lock'),
      'sh',
      '-c',
      'echo held; kill -STOP $$',
    ]);
    using _hog = await hogging(turn);
    const { id, letGo } = await holding(ann());
    const next = await waiting(ben());
    expect(await doctor(ann())).toContain('has been holding the arbiter');
    letGo();
    expect(await ended(ben(), next)).toMatchObject({ status: 'succeeded' });
    expect(await ended(ann(), id)).toMatchObject({ status: 'succeeded' });
  });

  test('is passed over when its daemon hangs at the head of the line, and comes back to its turn', async () => {
    const { letGo } = await holding(ann());
    const runs = new Map([
      [ben(), await waiting(ben())],
      [cem(), await waiting(cem())],
    ]);
    const placeOf = async (member: Member) => (await member.runner.get(runs.get(member) ?? '')).position;
    const places = async () => [await placeOf(ben()), await placeOf(cem())].sort();
    await expect.poll(places, { timeout: 20_000 }).toEqual([1, 2]);
    const [first, second] = (await placeOf(ben())) === 1 ? [ben(), cem()] : [cem(), ben()];
    const pid = daemonPid(first.home) ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      letGo();
      expect(await ended(second, runs.get(second) ?? '')).toMatchObject({ status: 'succeeded' });
      expect(await doctor(ann())).toContain(`the daemon of ${first.account.name} (pid ${pid}) was called`);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await ended(first, runs.get(first) ?? '')).toMatchObject({ status: 'succeeded' });
  });

  test('who keeps the box may edit it while runs wait: it counts at once, and a slip of the pen stops nobody', async () => {
    const file = place('box.yaml');
    const before = readFileSync(file, 'utf8');
    const { id, letGo } = await holding(ann());
    const next = await waiting(ben());
    try {
      writeFileSync(file, 'devices: [\n');
      await expect.poll(() => doctor(cem())).toMatch(/box\.yaml/);
      expect(await ended(ann(), await ranBeside(ann()))).toMatchObject({ status: 'succeeded' });
      // Another device, and nobody may have more than one.
      writeFileSync(place('locks', 'gpu1.lock'), '', { mode: 0o444 });
      writeFileSync(
        join(world.folder, 'fake.yaml'),
        JSON.stringify({ devices: [{ id: 'gpu0' }, { id: 'gpu1' }] }),
      );
      const added = before.replace(
        /^devices:\n/m,
        'devices:\n  - { id: gpu1, type: fake, uuid: FAKE-gpu1 }\n',
      );
      expect(added).not.toBe(before);
      writeFileSync(file, added);
      expect(await ended(ben(), next)).toMatchObject({ status: 'succeeded', devices: ['gpu1'] });
      // Gone again, under the run that holds the other one.
      writeFileSync(file, added.replace(/^ {2}- id: gpu0(?:\n {4}.*)*\n/m, ''));
      const last = await submit(cem(), 'true');
      expect(await ended(cem(), last)).toMatchObject({ status: 'succeeded', devices: ['gpu1'] });
    } finally {
      writeFileSync(file, before);
      letGo();
    }
    expect(await ended(ann(), id)).toMatchObject({ status: 'succeeded' });
  });
});

async function hogging([program, args]: [string, string[]]): Promise<Disposable> {
  const child: ChildProcess = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return { [Symbol.dispose]: () => void process.kill(-(child.pid ?? 0), 'SIGKILL') };
}

// What is wrong with a box, and who can put it right. Reads only.
import { lstatSync } from 'node:fs';
import type { BoxFinding } from '../../shared/box.ts';
import { formatDuration } from '../../shared/duration.ts';
import { messageOf, QwexError } from '../../shared/errors.ts';
import type { Box } from './box.ts';
import { loadBox } from './config.ts';
import { arbiterTakers } from './files/arbiter.ts';
import { takeLock } from './files/locks.ts';
import type { BoxPlaces } from './files/places.ts';
import { PLAN_VERSION } from './plan/types.ts';
import { readProcess } from './processes.ts';
import type { Survey } from './survey.ts';

const PATIENCE_MS = 2000;
/** A driver that answers later than this delays what people see. */
const SLOW_MS = 3000;

export async function boxFindings(box: Box): Promise<BoxFinding[]> {
  const { survey } = await box.look();
  const findings = [
    ...(await fileFindings(box)),
    ...folderFindings(box.folders.places),
    ...ignoredFindings(box, survey),
    ...watchFindings(box),
    ...daemonFindings(box, survey),
    ...leaseFindings(box, survey),
    ...(await arbiterFindings(box)),
    ...(await driverFindings(box)),
  ];
  return findings.length > 0
    ? findings
    : [{ level: 'ok', message: `the box in ${box.root} is in order`, hint: null }];
}

async function fileFindings(box: Box): Promise<BoxFinding[]> {
  try {
    const { file, unknownMembers } = await loadBox(box.root, box.accounts);
    const unknown = unknownMembers.map((name) =>
      warning(`box.yaml names ${name}, whom this machine doesn't know`, 'correct policy.members'),
    );
    if (file.plan === PLAN_VERSION) return unknown;
    return [
      ...unknown,
      failure(
        `the box decides by rules of version ${file.plan}; this daemon knows ${PLAN_VERSION}`,
        'update qwex',
      ),
    ];
  } catch (error) {
    if (!(error instanceof QwexError)) throw error;
    return [failure(error.message, error.hint ?? null)];
  }
}

function folderFindings(places: BoxPlaces): BoxFinding[] {
  const shared = [places.tickets, places.leases, places.wake, places.usage].flatMap((folder) => {
    const mode = modeOf(folder);
    if (mode === undefined) return [failure(`${folder} is missing`, 'make the box anew with: qwex box init')];
    if ((mode & 0o1000) !== 0) return [];
    return [failure(`${folder} is not sticky: members can remove each other's files`, `chmod +t ${folder}`)];
  });
  const closed = [places.root, places.locks, places.boxFile].flatMap((path) => {
    const mode = modeOf(path);
    if (mode !== undefined && (mode & 0o022) === 0) return [];
    return [failure(`${path} can be changed by others than its owner`, `chmod go-w ${path}`)];
  });
  return [...shared, ...closed];
}

function watchFindings({ outOfWatches }: Box): BoxFinding[] {
  if (outOfWatches === null) return [];
  return [
    warning(
      `this daemon can't be called, and looks every few seconds instead: ${outOfWatches}`,
      'qwex doctor tells how to get more inotify instances; then: qwex daemon restart',
    ),
  ];
}

function ignoredFindings(box: Box, { ignored }: Survey): BoxFinding[] {
  return ignored.map(({ path, uid, why }) => {
    const owner = uid === null ? 'its owner' : box.accounts.nameOf(uid);
    return warning(`${path}, of ${owner}, is ignored: ${why}`, `${owner} can remove it`);
  });
}

function daemonFindings(box: Box, { daemons, nowMs, view }: Survey): BoxFinding[] {
  const silent = daemons.filter(
    ({ isAlive, wokenMs, answeredMs }) =>
      isAlive && wokenMs !== null && wokenMs > answeredMs && nowMs - wokenMs > PATIENCE_MS,
  );
  const lost = new Set(view.tickets.filter(({ daemonAlive }) => !daemonAlive).map(({ member }) => member));
  return [
    ...silent.map(({ member, identity }) =>
      warning(
        `the daemon of ${box.accounts.nameOf(member)} (pid ${identity.pid}) was called and does not answer`,
        'its runs are passed over until it does',
      ),
    ),
    ...[...lost].map((member) =>
      warning(
        `${box.accounts.nameOf(member)} has tickets, and no daemon for them`,
        'they count again once it is started',
      ),
    ),
  ];
}

function leaseFindings(box: Box, { holders, leases }: Survey): BoxFinding[] {
  const unknown = [...holders].flatMap(([device, lease]) =>
    lease === null
      ? [warning(`the lock of ${device} is held, and no lease says by whom`, takersOf(box, device))]
      : [],
  );
  const open = leases.filter(({ endedMs, supervisor }) => endedMs === null && supervisor !== null);
  const contested = [...holders.keys()].flatMap((device) => {
    const claims = open.filter((lease) => lease.devices.includes(device));
    if (claims.length < 2) return [];
    const names = [...new Set(claims.map(({ member }) => box.accounts.nameOf(member)))].join(', ');
    return [
      warning(`${claims.length} leases name ${device}, of ${names}`, 'the one whose supervisor lives counts'),
    ];
  });
  return [...unknown, ...contested];
}

function takersOf(box: Box, device: string): string {
  const lock = box.folders.places.deviceLock(device);
  return `to see who: fuser -v ${lock}`;
}

async function arbiterFindings(box: Box): Promise<BoxFinding[]> {
  const { places } = box.folders;
  const lock = await takeLock(places.arbiterLock, PATIENCE_MS);
  lock?.release();
  if (lock !== undefined) return [];
  const holders = (await arbiterTakers(places)).flatMap((pid) => readProcess(pid) ?? []);
  await box.accounts.learn(holders.map(({ uid }) => uid));
  const names = holders.map(({ pid, uid, name }) => `${box.accounts.nameOf(uid)}'s ${name} (pid ${pid})`);
  return [
    warning(
      `${names.join(', ') || 'somebody'} has been holding the arbiter for more than ${PATIENCE_MS / 1000} s`,
      'decisions go on without it, each after a wait',
    ),
  ];
}

async function driverFindings(box: Box): Promise<BoxFinding[]> {
  const { source, devices } = box.config.file;
  if (source === 'declared') return [];
  const begunMs = performance.now();
  try {
    const found = await box.source.find();
    const tookMs = performance.now() - begunMs;
    const uuids = new Set(found.map(({ uuid, id }) => uuid ?? id));
    const missing = devices.filter(({ uuid, id }) => !uuids.has(uuid ?? id));
    const listed = new Set(devices.map(({ uuid, id }) => uuid ?? id));
    const extra = found.filter(({ uuid, id }) => !listed.has(uuid ?? id));
    const slow = `the driver took ${formatDuration(Math.round(tookMs / 1000) * 1000)} to answer: every start waits for it`;
    return [
      ...(tookMs < SLOW_MS ? [] : [warning(slow, 'nvidia-persistenced keeps the driver loaded')]),
      ...missing.map(({ id }) =>
        failure(`${id} is in box.yaml, and the driver doesn't show it`, 'drain it, or correct box.yaml'),
      ),
      ...extra.map(({ id, type }) =>
        warning(`the driver shows ${id} (${type}), which box.yaml doesn't list`, null),
      ),
    ];
  } catch (error) {
    if (!(error instanceof QwexError)) throw error;
    return [failure(messageOf(error), error.hint ?? null)];
  }
}

function modeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.mode;
}

function warning(message: string, hint: string | null): BoxFinding {
  return { level: 'warning', message, hint };
}

function failure(message: string, hint: string | null): BoxFinding {
  return { level: 'error', message, hint };
}

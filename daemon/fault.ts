// Named transitions at which a test may have the daemon killed, as a crash at that very instant would. Without the
// environment variables below, which nobody but a test sets, these are empty calls. Must never do anything else.

/** Every transition that the daemon can be killed at, in the order of a run's life. */
export const FAULT_POINTS = [
  'submit_pinned', // environment and pin are on the disk, the run isn't
  'submitted', // the run is durable, the answer hasn't gone out
  'claimed',
  'space_claimed', // one that waited: its entry has the run's name already, the folder is in the pool
  'space_taken', // out of the pool, not in its place
  'space_added', // made aside, without its links
  'space_named', // its entry in the repository already has the final path, the folder hasn't
  'space_created',
  'before_spawn',
  'spawned', // the command was let go, the index doesn't know
  'started',
  'cancel_recorded', // nobody has been told yet
  'exit_recorded',
  'collecting',
  'artifacts_moved',
  'manifest_written',
  'left_kept',
  'space_given_back', // the folder is aside, to be cleaned, its entry still has the run's name
  'space_cleaned', // as good as new, not in the pool
  'space_pooled', // in the pool, not yet said to be clean
  'space_discarded', // the folder is away, its entry in the repository isn't
  'space_removed',
  'giving_up', // the run never ran, and its end isn't recorded
  'ended', // recorded; its environment and its mark in ended/ are still there
  'environment_removed',
  'index_renewed', // all runs are in the new index, and it doesn't count as whole yet
  'recovering',
  'attempt_prevented',
  'recovered',
] as const;

export type FaultPoint = (typeof FAULT_POINTS)[number];

/** Kills this process when the passing of `name` is the one that `QWEX_TEST_FAULT=name[:n]` asks for. */
export const fault: (name: FaultPoint) => void = faultAt(process.env.QWEX_TEST_FAULT);

/**
 * The point at which the next supervisor is to kill itself: `QWEX_TEST_SUPERVISOR_FAULT=name[:n]` asks for it at the
 * n-th one that is started or takes over.
 */
export const supervisorFault: () => string | undefined = supervisorFaultAt(
  process.env.QWEX_TEST_SUPERVISOR_FAULT,
);

function faultAt(wish: string | undefined): (name: FaultPoint) => void {
  if (!wish) return () => undefined;
  const passes = countdown(wish);
  return (name) => {
    if (passes(name)) process.kill(process.pid, 'SIGKILL');
  };
}

function supervisorFaultAt(wish: string | undefined): () => string | undefined {
  if (!wish) return () => undefined;
  const [point = ''] = wish.split(':');
  const passes = countdown(wish);
  return () => (passes(point) ? point : undefined);
}

/** True at the n-th call with the name in `name[:n]`; n is 1 when it isn't said. */
function countdown(wish: string): (name: string) => boolean {
  const [wanted, times = '1'] = wish.split(':');
  let left = Number(times);
  return (name) => {
    if (name !== wanted) return false;
    left -= 1;
    return left === 0;
  };
}

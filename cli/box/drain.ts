// qwex box drain, resume: through one's daemon; with --path or under sudo on the box's file itself, because root's
// daemon would be another one, in root's home.
import { resolve } from 'node:path';
import { LOCAL_API } from '../../shared/api.ts';
import type { BoxDrainRequest, BoxDrainResponse } from '../../shared/box.ts';
import type { Context } from '../context.ts';
import { printable } from '../view/quote.ts';
import { changeBox, isSudo } from './change.ts';

export interface DrainFlags {
  why?: string;
  path?: string;
  json?: boolean;
}

export async function drain(context: Context, device: string, flags: DrainFlags): Promise<void> {
  const why = flags.why ?? '';
  const answer = await changed(context, { device, why, path: flags.path });
  show(context, flags, answer);
}

export async function resume(context: Context, device: string, flags: DrainFlags): Promise<void> {
  const answer = await changed(context, { device, why: null, path: flags.path });
  show(context, flags, answer);
}

interface Change {
  device: string;
  why: string | null;
  path: string | undefined;
}

async function changed(context: Context, { device, why, path }: Change): Promise<BoxDrainResponse> {
  if (path !== undefined || isSudo(context.env)) {
    const folder = path === undefined ? null : resolve(context.cwd, path);
    return changeBox<BoxDrainResponse>({ change: 'drain', path: folder, device, why }, context.env);
  }
  const runner = await context.runner();
  const params = { device };
  if (why === null) return runner.request(LOCAL_API.boxResume, { params });
  const body: BoxDrainRequest = { why };
  return runner.request(LOCAL_API.boxDrain, { params, body });
}

function show({ terminal }: Context, { json }: DrainFlags, answer: BoxDrainResponse): void {
  const { device, drained } = answer;
  const id = printable(device);
  if (json) terminal.printJson(answer);
  else if (drained === null) terminal.print(`${id} is given out again`);
  else terminal.print(`${id} is given to no further run; what runs on it goes on`);
}

// qwex box: what each device does and who waits for it.
import { resolve } from 'node:path';
import { LOCAL_API } from '../../shared/api.ts';
import type { BoxStatus } from '../../shared/box.ts';
import type { Context } from '../context.ts';
import { formatBox } from '../view/box-status.ts';
import { printable, quotePath } from '../view/quote.ts';

export async function showStatus(context: Context, { json }: { json?: boolean }): Promise<void> {
  const { terminal, env } = context;
  const runner = await context.runner();
  const status = await runner.request<BoxStatus>(LOCAL_API.box);
  if (json) return terminal.printJson(status);
  const { devices, line, path, problems } = status;
  if (devices.length > 0 || line.length > 0) {
    const { style, width } = terminal;
    terminal.print(formatBox(status, { now: new Date(), style, width }));
  }
  for (const problem of problems) terminal.note(`warning: ${printable(problem)}`);
  if (devices.length === 0) terminal.note(noDevices(status));
  if (env.QWEX_BOX && resolve(env.QWEX_BOX) !== resolve(path))
    terminal.note(
      `hint: QWEX_BOX is ${quotePath(env.QWEX_BOX)} here, but your daemon uses ${quotePath(path)}; to change over: qwex daemon restart`,
    );
}

function noDevices({ shared, path }: BoxStatus): string {
  if (shared)
    return `the box in ${quotePath(path)} has no devices: whoever made it can list them in its box.yaml`;
  return [
    'no devices: this machine has no shared box, and no driver (nvidia-smi, rocm-smi) tells of a GPU',
    'hint: runs without --gpus are bounded by slots (qwex config get slots); to share devices with others: qwex box init --help',
  ].join('\n');
}

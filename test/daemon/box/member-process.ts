// A member's daemon, as far as the box goes, in a process of its own: commands come in as JSON lines, answers and wakes go
// out. Started by the tests under another account.
import { createInterface } from 'node:readline';
import type { TicketRequest } from '../../../daemon/box/files/tickets.ts';
import { Box, boxFindings } from '../../../daemon/box/index.ts';

export type Command =
  | { do: 'put'; ticket: TicketRequest }
  | { do: 'decide' }
  | { do: 'give_back' | 'ended' | 'why'; run: string }
  | { do: 'started'; run: string; identity: { pid: number; startTime: string; bootId: string } }
  | { do: 'usage' | 'findings' };

const [root = '', home = ''] = process.argv.slice(2);
const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const box = await Box.open({ root, home, onWake: () => say({ wake: true }) });
say({ answer: box.key });

for await (const line of createInterface({ input: process.stdin })) {
  try {
    say({ answer: (await obey(JSON.parse(line))) ?? null });
  } catch (error) {
    say({ error: String(error) });
  }
}
await box.close();

async function obey(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'put':
      return box.put(command.ticket);
    case 'decide':
      return box.decide();
    case 'give_back':
      return box.giveBack(command.run);
    case 'ended':
      return box.ended(command.run);
    case 'started':
      return box.started(command.run, command.identity);
    case 'why':
      return (await box.explain(command.run))?.words;
    case 'usage':
      return [...(await box.look()).survey.view.usage];
    case 'findings':
      return (await boxFindings(box)).map(({ message }) => message);
    default:
      return command satisfies never;
  }
}

// The daemon's door to small programs.
import { type Ran, runProgram } from './run-program.ts';
import { currentStarter } from './starter.ts';

/** Without input, its output thrown away. Rejects when it can't be started. */
export function run(program: string, args: string[]): Promise<Ran> {
  return currentStarter()?.run(program, args) ?? runProgram(program, args);
}

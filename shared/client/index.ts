// The client library: `import { LocalRunner } from 'qwex'`. The CLI is built on it.
export { type ErrorCode, QwexError } from '../errors.ts';
export type { StreamName } from '../output-frame.ts';
export type { LocalSubmitRequest, LocalSubmitResponse, Notice, RunEvent } from '../schemas/local.ts';
export type { Artifact, ArtifactList, Resources, Run, RunPage, SubmitRunRequest } from '../schemas/run.ts';
export { type ListOptions, LocalRunner, type LocalRunnerOptions, type Runner } from './local-runner.ts';
export type { WatchItem, WatchOptions } from './watch.ts';

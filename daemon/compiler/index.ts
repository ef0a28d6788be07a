// What the rest of the daemon may use of this folder.
export { type Compiled, type CompiledLayer, type CompileInput, compile } from './compile.ts';
export type { TemplateVariable } from './head.ts';
export { type JobRequest, jobCommand, type ResolvedJob, resolveJob } from './job.ts';
export { commandLine, commandScript, quoteWord } from './quote.ts';
export { knownRunners } from './stack.ts';
export {
  addTemplate,
  listTemplates,
  loadTemplates,
  type Template,
  type TemplateEntry,
  type TemplateSet,
} from './templates.ts';

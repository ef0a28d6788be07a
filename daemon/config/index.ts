// What the rest of the daemon may use of this folder.
export { type InitResult, initialConfig, initWorkspace, keepOutOfGit } from './init.ts';
export { formatProblem, type KeyPath, type Problem, problemsError } from './problems.ts';
export type { SourceFile } from './source-file.ts';
export { getUserConfig, loadUserConfig, setUserConfig, USER_CONFIG_KEYS } from './user.ts';
export {
  CONFIG_PATH,
  type LoadedWorkspace,
  loadWorkspace,
  parseWorkspaceConfig,
  ROOT_CONFIG_PATH,
} from './workspace.ts';
export { workspaceNameFault } from './workspace-name.ts';

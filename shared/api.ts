// Every route once: the daemon serves these rows, the client asks for them. `{name}` marks a parameter.
// What is under /api/v1 is the protocol; /api/local/v1 is for the owner's own CLI, on the Unix socket only.

export const MANIFEST_PATH = '/.well-known/qwex.json';
export const OPENAPI_PATH = '/api/v1/openapi.json';
/** Carried by requests and answers, so that a CLI and a daemon of different versions notice. */
export const VERSION_HEADER = 'qwex-version';

export interface Route {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly path: string;
}

export const API = {
  submit: { method: 'post', path: '/api/v1/runs' },
  list: { method: 'get', path: '/api/v1/runs' },
  get: { method: 'get', path: '/api/v1/runs/{id}' },
  cancel: { method: 'delete', path: '/api/v1/runs/{id}' },
  logs: { method: 'get', path: '/api/v1/runs/{id}/logs' },
  wait: { method: 'get', path: '/api/v1/runs/{id}/wait' },
  artifacts: { method: 'get', path: '/api/v1/runs/{id}/artifacts' },
  artifactUrl: { method: 'get', path: '/api/v1/runs/{id}/artifacts/{name}/url' },
  download: { method: 'get', path: '/api/v1/files/{id}/{name}' },
  watch: { method: 'get', path: '/api/v1/runs/{id}/watch' },
  events: { method: 'get', path: '/api/v1/events' },
} as const satisfies Record<string, Route>;

export const LOCAL_API = {
  submitLocal: { method: 'post', path: '/api/local/v1/submit' },
  rerun: { method: 'post', path: '/api/local/v1/runs/{id}/rerun' },
  hold: { method: 'post', path: '/api/local/v1/runs/{id}/hold' },
  release: { method: 'post', path: '/api/local/v1/runs/{id}/release' },
  checkout: { method: 'post', path: '/api/local/v1/runs/{id}/checkout' },
  diff: { method: 'get', path: '/api/local/v1/diff' },
  pause: { method: 'post', path: '/api/local/v1/queue/pause' },
  resume: { method: 'post', path: '/api/local/v1/queue/resume' },
  compile: { method: 'post', path: '/api/local/v1/compile' },
  init: { method: 'post', path: '/api/local/v1/init' },
  templates: { method: 'get', path: '/api/local/v1/templates' },
  add: { method: 'post', path: '/api/local/v1/templates' },
  getConfig: { method: 'get', path: '/api/local/v1/config' },
  setConfig: { method: 'put', path: '/api/local/v1/config' },
  status: { method: 'get', path: '/api/local/v1/daemon' },
  stop: { method: 'post', path: '/api/local/v1/daemon/stop' },
  gc: { method: 'post', path: '/api/local/v1/gc' },
  doctor: { method: 'get', path: '/api/local/v1/doctor' },
  rebuilt: { method: 'get', path: '/api/local/v1/doctor/rebuilt' },
  box: { method: 'get', path: '/api/local/v1/box' },
  boxReport: { method: 'get', path: '/api/local/v1/box/report' },
  boxDoctor: { method: 'get', path: '/api/local/v1/box/doctor' },
  boxDrain: { method: 'post', path: '/api/local/v1/box/devices/{device}/drain' },
  boxResume: { method: 'post', path: '/api/local/v1/box/devices/{device}/resume' },
} as const satisfies Record<string, Route>;

/** A row's path with its parameters filled in, each as one path segment. */
export function fillPath(route: Route, params: Readonly<Record<string, string>> = {}): string {
  return route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new TypeError(`${route.path} needs ${name}`);
    // Half a character has no bytes to encode; no run is called so, which the server will say.
    return encodeURIComponent(value.toWellFormed());
  });
}

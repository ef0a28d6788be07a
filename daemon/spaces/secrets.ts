// Names of files that usually hold secrets. A name is all that is looked at: contents are never read.

const PATTERNS = [
  /^\.env(\..+)?$/,
  /\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/,
  /^\.(netrc|pgpass|npmrc|pypirc|htpasswd|git-credentials|boto)$/,
  /^_netrc$/,
  /^(client_)?secrets?([._-].*)?\.(json|ya?ml|toml|ini|txt)$/,
  /^credentials?([._-].*)?\.(json|ya?ml|toml|ini|csv)$/,
  /^credentials$/,
  /^service[-_]account.*\.json$/,
  /^kaggle\.json$/,
  /\.tfstate(\.backup)?$/,
];

const HARMLESS = /\.(example|sample|template|dist|pub)$/;

/** Whether a path (with slashes) looks like a secret by its file name. */
export function looksLikeSecret(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  return !HARMLESS.test(name) && PATTERNS.some((pattern) => pattern.test(name));
}

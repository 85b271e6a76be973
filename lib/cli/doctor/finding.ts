/** The result of one check. */
export interface Finding {
  readonly name: string;
  /** `degraded`: works, but needs attention. */
  readonly status: 'ok' | 'degraded' | 'failed';
  readonly message: string;
  /** What to do; `null` if there is no problem. */
  readonly fix: string | null;
}

export function ok(name: string, message: string): Finding {
  return { name, status: 'ok', message, fix: null };
}

export function degraded(name: string, message: string, fix: string): Finding {
  return { name, status: 'degraded', message, fix };
}

export function failed(name: string, message: string, fix: string): Finding {
  return { name, status: 'failed', message, fix };
}

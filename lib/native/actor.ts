import { native } from './binding';

let actorOfProcess: string | undefined;

/** Such as `alice:4711`. A user without a name, as in containers, is given by id. */
export function defaultActor(): string {
  actorOfProcess ??= `${native.userName() ?? process.getuid?.() ?? runtimesUserName()}:${process.pid}`;
  return actorOfProcess;
}

/** For Windows. */
function runtimesUserName(): string {
  return (require('node:os') as typeof import('node:os')).userInfo().username;
}

// Ends this process when the one that started it for the user has ended (bin/node26.mjs).
//
// The launcher hands signals on, but nothing can be handed on by a launcher that is killed outright;
// without this an exchange would go on unseen and hold its ports. The launcher says who it is in
// OUTCRY_LAUNCHER: any other parent, such as a service manager or a shell that is left, is none of
// our business. Where the system keeps the number of a parent that is gone (Windows), this does
// nothing.
import { chores } from '../base/chores.ts';

/** Sends this process SIGTERM, which every verb obeys, once its launcher is gone. */
export function endWithLauncher(): void {
  if (process.env['OUTCRY_LAUNCHER'] !== String(process.ppid)) return;
  const launcher = process.ppid;
  const look = (): void => {
    if (process.ppid === launcher) chores.planSeldom(look);
    else process.kill(process.pid, 'SIGTERM');
  };
  chores.planSeldom(look);
}

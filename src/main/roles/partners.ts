// A role's connections to the other roles of its directory.
import type { Directory } from '../../identity/directory.ts';
import type { RoleHome } from '../../identity/load-home.ts';
import type { RoleName } from '../../identity/roles.ts';
import { isStillKey } from '../../identity/standing.ts';
import { systemClock } from '../../identity/time.ts';
import { type Partner, partner } from '../../roles/common/partner.ts';
import type { Opened } from './opened.ts';

export class Partners {
  readonly #home: RoleHome;
  readonly #opened: Opened;
  readonly #connections = new Map<RoleName, Partner>();

  constructor(home: RoleHome, opened: Opened) {
    this.#home = home;
    this.#opened = opened;
  }

  /** Closed with everything that was opened. */
  to(role: RoleName): Partner {
    const home = this.#home;
    const connection = this.#opened.add(
      partner(() => ({
        url: home.directory().address(role),
        identity: () => home.clientIdentity(role),
      })),
    );
    this.#connections.set(role, connection);
    return connection;
  }

  /** Another directory counts: connections to keys that do not any more are given up. */
  changed(directory: Directory): void {
    for (const [role, connection] of this.#connections) {
      connection.recheck((key) => isStillKey(directory, role, key, systemClock()));
    }
  }
}

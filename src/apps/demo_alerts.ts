// What the demo's dashboard calls too slow and overloaded. The defaults of `[alerts]` are those of a system whose stages have
// cores of their own. The demo's processes poll without sleeping, on whatever machine a visitor has: with fewer cores than
// processes all cores are busy by design, and who is asked may have to wait for others to have had their turns of some
// milliseconds each. Said as alerts, that would teach a visitor that alerts mean nothing.
//
// So there, and where nobody has configured it otherwise, thresholds are those of a machine that is shared: processor not at
// all, latencies from where something is wrong, and not merely somebody else's turn. All other rules hold as they are.
import type { AlertSettings } from '../observe/alerts/alert_settings.ts';
import type { OutcryConfig } from './config_sections.ts';

/** Exchange, sender, two traders, dashboard; and a core for the browser and the rest of the machine. */
export const CORES_WANTED = 6;

const MS = 1_000_000;
/** Five processes with turns of 3 to 4 ms each, several times over. */
const SHARED_LATENCY_NS = 100 * MS;
/** There and back: two queues for a turn at either end. */
const SHARED_ROUND_TRIP_NS = 250 * MS;

export function demoAlerts({ alerts, resolution }: Pick<OutcryConfig, 'alerts' | 'resolution'>, cores: number): AlertSettings {
  if (cores >= CORES_WANTED) return alerts;
  const left = (key: string): boolean => resolution.place(`alerts.${key}`).kind === 'default';
  return {
    ...alerts,
    ...(left('high_latency') && { highLatencyNs: SHARED_LATENCY_NS }),
    ...(left('high_round_trip') && { highRoundTripNs: SHARED_ROUND_TRIP_NS }),
    ...(left('overload_cpu_percent') && { overloadCpuPercent: 0 }),
  };
}

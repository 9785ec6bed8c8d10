import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALERTS_DEFAULT, type AlertSettings } from '../observe/alerts/alert_settings.ts';
import { readConfig, VERB_SECTIONS } from './config_sections.ts';
import { CORES_WANTED, demoAlerts } from './demo_alerts.ts';

function configured(environment: Readonly<Record<string, string>>, cores: number): AlertSettings {
  return demoAlerts(readConfig({ file: null, environment, flag: () => undefined, uses: VERB_SECTIONS.dashboard }), cores);
}

test('with a core for each process the defaults hold', () => {
  assert.deepEqual(configured({}, CORES_WANTED), ALERTS_DEFAULT);
});

test('on fewer: latencies of turns and busy cores are no alerts, everything else is', () => {
  const { highLatencyNs, highRoundTripNs, overloadCpuPercent, ...others } = configured({}, CORES_WANTED - 1);
  assert.deepEqual([highLatencyNs, highRoundTripNs, overloadCpuPercent], [100e6, 250e6, 0]);
  const { highLatencyNs: _, highRoundTripNs: __, overloadCpuPercent: ___, ...asEver } = ALERTS_DEFAULT;
  assert.deepEqual(others, asEver);
});

test('what somebody configured holds on any machine', () => {
  const { highLatencyNs, highRoundTripNs, overloadCpuPercent } = configured({ HFT_ALERTS_HIGH_LATENCY: '5ms', HFT_ALERTS_OVERLOAD_CPU_PERCENT: '80' }, 2);
  assert.deepEqual([highLatencyNs, highRoundTripNs, overloadCpuPercent], [5e6, 250e6, 80]);
});

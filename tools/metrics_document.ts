// docs/METRICS.md: every metric from the table (src/observe/metrics/table.ts), and how they are got at in words.
import { METRIC_GROUPS } from '../src/observe/metrics/table.ts';
import type { Metric } from '../src/observe/metrics/metric.ts';
import { WINDOW_SECONDS } from '../src/observe/system_view.ts';

/** The file's text by its path from the project's root. */
export function metricsFiles(): Map<string, string> {
  return new Map([['docs/METRICS.md', metricsDocument()]]);
}

function metricsDocument(): string {
  return `<!-- Generated from src/observe/metrics/table.ts by \`npm run generate\`. Do not edit. -->
# Metrics

What an exchange and its traders tell of themselves, for Prometheus and for whoever else asks:

\`\`\`sh
outcry dashboard                     # serves http://127.0.0.1:8080/metrics
outcry stat                          # the same figures live in the terminal, without a port
outcry stat --format prometheus      # once, on stdout; also json, csv
outcry stat --list                   # this table in the terminal
prometheus --config.file deploy/prometheus/prometheus.yml
\`\`\`

[deploy/prometheus](../deploy/prometheus) has a configuration of Prometheus, alert rules and recorded series, with tests of what they say
(\`promtool test rules\`); [deploy/grafana/outcry_dashboard.json](../deploy/grafana/outcry_dashboard.json) a dashboard to import into Grafana.

## How they come about
Every process publishes its counters, gauges and histograms in a file of shared memory; the monitor maps it and reads. Counters are
copied there four times a second between two turns of the loop, histograms are written in place by the turns that are followed (one in
64 of an exchange, \`--profile\` says otherwise; every decision of a trader). Nothing is asked of a process, and none waits for anybody.
With \`metrics_enabled = false\` in \`[monitoring]\` a process publishes nothing, with \`latency_profiling = false\` no latencies;
\`export_format\` is what \`/metrics\` and \`outcry stat\` speak.

- Names end with their unit: seconds, bytes; \`_total\` only rises while its process lives. Shares are 0 to 1, money and prices in the
  currency's units.
- Latencies are summaries: quantiles 0.5, 0.9, 0.99 and 0.999 of the last ${WINDOW_SECONDS} seconds, right to 0.1 %, \`NaN\` when nothing came;
  \`_sum\` and \`_count\` since the start of the process. Over any other time, or over several exchanges, take the buckets:
  \`histogram_quantile(0.99, sum by (le) (rate(outcry_order_latency_distribution_seconds_bucket[5m])))\`.
- Shares and profit of a trader are since its start; \`/api/dashboard\` has the fill rate of the last 60 seconds, and the profit as it stands.
- Of an exchange one turn in 64 is followed, and a hundred a second where there are so many, so counts of latencies are a sample: rates of requests are in \`outcry_exchange_requests_total\`.
- What is not known has no line: the profit while a position has no price, the journal of an exchange that keeps none.
- Labels are our own names, tickers and symbols of the configuration, client numbers, process numbers; nothing that a client has sent.
- One exchange is watched, the newest, or the one of \`--exchange-port\`, and the traders on it; processes are all of this user.
- Text format 0.0.4. \`promtool check metrics\` has nothing to say (tested), a real server scrapes it (tested).

${METRIC_GROUPS.map(({ title, metrics }) => `## ${title}\n| metric | type | labels | meaning |\n|---|---|---|---|\n${metrics.map(row).join('\n')}\n`).join('\n')}`;
}

function row({ name, type, labels, help }: Metric): string {
  return `| \`${name}\` | ${type} | ${labels.length === 0 ? '–' : labels.map((label) => `\`${label}\``).join(', ')} | ${help.replaceAll('|', String.raw`\|`)} |`;
}

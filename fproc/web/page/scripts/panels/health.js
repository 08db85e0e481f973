// Health, and the tiles with the files by state.

function renderHealth(health) {
  const { configuration, disk, last_success: success, oldest_waiting: oldest, workers } = health.checks;
  const { free_bytes: free, total_bytes: total } = disk ?? {};
  setText($('disk'), free == null ? NONE : `${bytes(free)} of ${bytes(total)} (${percent(free / total)})`);
  $('disk').classList.toggle('bad', disk?.ok === false);
  $('last-success').replaceChildren(success?.timestamp ? when(success.timestamp) : 'none yet');
  $('oldest').replaceChildren(...(oldest?.file == null ? ['nothing waits']
    : [`${span(oldest.seconds)}: `, name(clip(oldest.file, 40), { title: shown(oldest.file) })]));
  setText($('workers'), workers ? `${number(workers.busy)} of ${number(workers.count)} busy` : NONE);
  setText($('uptime'), span(Math.floor(health.uptime_seconds)));
  setText($('version'), shown(health.version));
  $('configuration').replaceChildren(...(configuration?.fingerprint
    ? [`${configuration.fingerprint}, loaded `, when(configuration.loaded)] : [NONE]));
  if (configuration?.ok && configuration.message) $('configuration').append(`; ${shown(configuration.message)}`);
  const failing = Object.entries(health.checks).filter(([, check]) => check.ok === false)
    .map(([key, check]) => `${key.replaceAll('_', ' ')}: ${shown(check.message ?? 'not ok')}`);
  reconcile($('checks'), 'li', failing, String, (row, text) => row.append(text));
  $('checks').hidden = !failing.length;
  renderWorkers();
}

function takeStats(stats) {
  for (const tile of stateTiles()) {
    const { state } = tile.dataset;
    setText(tile.querySelector('strong'), number(state === REJECTED ? stats.rejects : stats.files[state]));
    tile.classList.toggle('alarm', tile.dataset.state === FAILED && stats.files[FAILED] > 0);
  }
  setText($('success-rate'), stats.success_rate == null ? 'none yet' : percent(stats.success_rate));
  const { lines_rejected: rejected, lines_skipped: skipped } = stats.totals;
  setText($('left-out'), rejected == null ? NONE : leftOutText({ rejected, skipped }));
  const { cpu_percent: cpu, memory_bytes: memory } = stats.system ?? {};
  setText($('system'), `${cpu == null ? NONE : `${rate(cpu)} %`}, ${bytes(memory)}`);
  sampleCounts(stats);
  renderGraphCounts();
  renderNodes();
  renderNode();
  renderFigures();
}

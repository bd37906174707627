//! CPU and memory of a gateway elsewhere, from the metrics that every Prometheus exporter has of its process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::clients::{Dialer, fetch};
use crate::measure::Usage;

const EVERY: Duration = Duration::from_secs(1);
/// A page of metrics that takes longer is of no use.
const LIMIT: Duration = Duration::from_millis(900);

/// Reads a page of metrics once a second until it is dropped.
pub(super) struct Scraper {
    dialer: Arc<Dialer>,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// What was read last.
    usage: Option<Usage>,
    looks: u64,
    failed: u64,
    /// Why the last one failed that did.
    why: String,
}

impl Scraper {
    pub(super) fn start(dialer: Arc<Dialer>) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let (theirs, way) = (state.clone(), dialer.clone());
        let task = tokio::spawn(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                look(&way, &theirs).await;
            }
        });
        Self { dialer, state, task }
    }

    /// As it is now, or was lately if there is no answer.
    pub(super) async fn now(&self) -> Option<Usage> {
        look(&self.dialer, &self.state).await;
        self.latest()
    }

    /// As it was at the last look.
    pub(super) fn latest(&self) -> Option<Usage> {
        locked(&self.state).usage
    }

    /// What makes its numbers doubtful.
    pub(super) fn doubt(&self) -> Option<String> {
        let State { usage, looks, failed, why } = &*locked(&self.state);
        let url = &self.dialer.url();
        match usage {
            None => Some(format!("the gateway's CPU and memory are not known: {url}: {why}")),
            Some(_) if *failed > 0 => Some(format!(
                "{failed} of {looks} looks at {url} failed ({why}): until the next one the gateway's CPU and memory \
                 are those of the one before"
            )),
            Some(_) => None,
        }
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look(dialer: &Dialer, state: &Mutex<State>) {
    let read = timeout(LIMIT, fetch(dialer)).await;
    let usage = match read {
        Err(_) => Err("no answer within a second".to_owned()),
        Ok(Err(kind)) => Err(kind.name().to_owned()),
        Ok(Ok(page)) => usage(&String::from_utf8_lossy(&page)),
    };
    let mut state = locked(state);
    state.looks += 1;
    match usage {
        Ok(usage) => state.usage = Some(usage),
        Err(why) => {
            state.failed += 1;
            state.why = why;
        }
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From the text format of Prometheus.
fn usage(page: &str) -> Result<Usage, String> {
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = line.and_then(|value| value.split(' ').next()?.parse::<f64>().ok());
        value.filter(|value| value.is_finite() && *value >= 0.0).ok_or_else(|| format!("there is no {name}"))
    };
    let cpu = value("process_cpu_seconds_total")?;
    let memory = value("process_resident_memory_bytes")?;
    let cpu = Duration::try_from_secs_f64(cpu).map_err(|error| error.to_string())?;
    Ok(Usage { cpu, memory: memory as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_metrics_is_read() {
        let page = "# HELP process_cpu_seconds_total Time.\n# TYPE process_cpu_seconds_total counter\n\
                    process_cpu_seconds_total 12.5\nprocess_resident_memory_bytes_of_others 1\n\
                    process_resident_memory_bytes 2.5e+07 1795476000000\n";
        assert_eq!(usage(page), Ok(Usage { cpu: Duration::from_millis(12_500), memory: 25_000_000 }));
        assert_eq!(usage("up 1\n"), Err("there is no process_cpu_seconds_total".to_owned()));
        assert!(usage(&page.replace("12.5", "NaN")).is_err());
    }

    #[tokio::test]
    async fn a_page_that_is_not_there_is_a_doubt_and_no_end() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let dialer = Dialer::new(&format!("http://{nobody}/metrics"), None).await.unwrap();
        let scraper = Scraper::start(Arc::new(dialer));
        assert_eq!(scraper.now().await, None);
        let doubt = scraper.doubt().unwrap();
        assert!(doubt.contains("are not known") && doubt.ends_with("/metrics: unreachable"), "{doubt}");
    }
}

//! The simulated community of a started estate: this program's other command, so that its use of the
//! machine is its own.

use std::net::SocketAddr;

use serde_json::Value;

use super::EstateError;
use super::folder::Folder;
use super::started::Service;
use crate::measure::Process;
use crate::plan::Plan;

pub(super) struct Community {
    service: Service,
    /// Where its servers listen.
    pub(super) listen: SocketAddr,
    pub(super) control: SocketAddr,
}

impl Community {
    pub(super) async fn start(plan: &Plan, folder: &Folder) -> Result<Self, EstateError> {
        let program = std::env::current_exe();
        let program = program.map_err(|error| EstateError::File { file: "livename-load".into(), error })?;
        let ready = folder.path("community.json");
        let mut command = Service::command(&program)?;
        command
            .args(["--log", "warn", "community", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"])
            .args(["--people", &plan.population.people.to_string()])
            .args(["--seed", &plan.seed.to_string()])
            .args(["--online", &plan.population.online_percent.to_string()])
            .arg("--domino-secret-file")
            .arg(folder.path("domino.secret"))
            .arg("--websphere-key-file")
            .arg(folder.path("websphere.keys"))
            .arg("--websphere-password-file")
            .arg(folder.path("websphere.password"))
            .arg("--ready-file")
            .arg(&ready);
        let what = "simulated community";
        let (service, said) = Service::start(what, command, &folder.path("community.log"), &ready).await?;
        let addr = |key: &str| said.get(key).and_then(Value::as_str).and_then(|addr| addr.parse().ok());
        match (addr("listen"), addr("control")) {
            (Some(listen), Some(control)) => Ok(Self { service, listen, control }),
            _ => Err(EstateError::Start { what, said: format!("unclear where it listens: {said}") }),
        }
    }

    pub(super) fn process(&self) -> Option<Process> {
        self.service.process()
    }

    pub(super) fn casualty(&mut self) -> Option<String> {
        self.service.casualty()
    }

    pub(super) async fn stop(self) {
        self.service.stop().await;
    }
}

//! `setup assess`: go or no-go, from files that an administrator hands over.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use gateway_setup::assess::{self, Gateway, Sources};

use crate::cli::{EXIT_USAGE, fail, say};

#[derive(Debug, Args)]
#[group(id = "sources", required = true, multiple = true, args = ["notes_ini", "sametime_ini", "har"])]
pub(super) struct AssessArguments {
    /// notes.ini of a mail server; may be given again
    #[arg(long, value_name = "FILE")]
    notes_ini: Vec<PathBuf>,
    /// sametime.ini of a community server or multiplexer, or the environment file of its container; may be given again
    #[arg(long, value_name = "FILE")]
    sametime_ini: Vec<PathBuf>,
    /// Recording of a browser (HAR) that opened the mail page; may be given again
    #[arg(long, value_name = "FILE")]
    har: Vec<PathBuf>,
    /// Host name that browsers will use for the gateway
    #[arg(long, value_name = "NAME")]
    gateway_host: Option<String>,
    /// Address from which the gateway will log in to the community; may be given again
    #[arg(long, value_name = "IP")]
    gateway_address: Vec<IpAddr>,
    /// Login type of the gateway, as in its configuration
    #[arg(long, value_name = "HEX", default_value = "0x14b4", value_parser = login_type)]
    login_type: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn assess(arguments: AssessArguments) -> ExitCode {
    let AssessArguments { notes_ini, sametime_ini, har, gateway_host, gateway_address, login_type, json } =
        arguments;
    let sources = Sources { notes: notes_ini, sametime: sametime_ini, har };
    let gateway = Gateway { host: gateway_host, addresses: gateway_address, login_type };
    let report = match assess::assess(&sources, &gateway) {
        Ok(report) => report,
        Err(error) => return fail(EXIT_USAGE, error),
    };
    let said = say(&if json { format!("{:#}\n", report.json()) } else { report.to_string() });
    if report.is_go() { said } else { ExitCode::FAILURE }
}

fn login_type(text: &str) -> Result<u16, String> {
    let digits = text.strip_prefix("0x").ok_or("expected a number such as 0x14b4")?;
    u16::from_str_radix(digits, 16).map_err(|_| "expected a number from 0x0000 to 0xffff".to_owned())
}

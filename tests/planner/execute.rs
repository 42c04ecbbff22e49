//! What each script does to a model world, cut off after any of its parts.

use replform::plan::{Action, Argument, Call, JobCall, Work};

use super::world::{Certificate, Cluster, Copied, Directory, Host, Job, Tls, World};

/// Why an action stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It was cut off.
    Cut,
    /// The script says why.
    Failed(String),
}

/// Parts that an action may still do before it is cut off.
pub struct Budget(pub Option<u32>);

impl Budget {
    /// One part begins.
    pub fn part(&mut self) -> Result<(), Stop> {
        match &mut self.0 {
            None => Ok(()),
            Some(0) => Err(Stop::Cut),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

type Done = Result<(), Stop>;

pub fn fail<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(why.into()))
}

/// Runs an action. `apply`: a number of this apply, from which its secrets come.
pub fn execute(world: &mut World, action: &Action, apply: u64, budget: &mut Budget) -> Done {
    let machine = action.machine.0.clone();
    match world.hosts.get(&machine) {
        Some(host) if host.unreachable.is_none() => {}
        _ => return fail("can't be reached"),
    }
    match &action.work {
        Work::Script(call) => Run {
            world,
            machine,
            call,
            apply,
            budget,
        }
        .script(),
        Work::Job(job) => Run {
            world,
            machine,
            call: &job.call,
            apply,
            budget,
        }
        .backup(job),
    }
}

struct Run<'a> {
    world: &'a mut World,
    machine: String,
    call: &'a Call,
    apply: u64,
    budget: &'a mut Budget,
}

impl Run<'_> {
    fn text(&self, name: &str) -> String {
        match self.call.arguments.get(name) {
            Some(Argument::Text(text)) => text.to_string(),
            Some(Argument::Pace(text) | Argument::Volatile(text)) => text.clone(),
            Some(Argument::Number(number)) => number.to_string(),
            Some(Argument::Lines(lines)) => lines.join("\n"),
            Some(other) => panic!("{name} is {other:?}"),
            None => panic!("{} needs {name}", self.call.script),
        }
    }

    fn lines(&self, name: &str) -> Vec<String> {
        self.text(name).lines().map(str::to_owned).collect()
    }

    /// `name = 'value'` lines.
    fn settings(&self) -> Vec<(String, String)> {
        self.lines("settings")
            .iter()
            .map(|line| {
                let (name, value) = line.split_once(" = '").unwrap();
                (
                    name.to_owned(),
                    value.trim_end_matches('\'').replace("''", "'"),
                )
            })
            .collect()
    }

    fn port(&self) -> u16 {
        self.text("port").parse().unwrap()
    }

    fn host(&mut self) -> &mut Host {
        self.world.hosts.get_mut(&self.machine).unwrap()
    }

    fn cluster(&mut self) -> Result<&mut Cluster, Stop> {
        let (port, name) = (
            self.port(),
            format!("{}/{}", self.text("version"), self.text("cluster")),
        );
        match self.host().clusters.get_mut(&port) {
            Some(cluster) if cluster.name == name => Ok(cluster),
            Some(cluster) => fail(format!("port {port} has {}, not {name}", cluster.name)),
            None => fail(format!("no cluster on {port}")),
        }
    }

    fn script(&mut self) -> Done {
        match self.call.script.as_str() {
            "postgresql/provision.sh" => self.provision(),
            "postgresql/configure.sh" => self.configure(),
            "postgresql/account.sh" => self.account(),
            "postgresql/passfile.sh" => self.passfile(),
            "postgresql/restore.sh" => self.restore(),
            "postgresql/link.sh" => self.link(),
            "postgresql/verify.sh" => self.verify(),
            "postgresql/show.sh" => Ok(()),
            "postgresql/let-in.sh" => self.let_in(),
            "postgresql/encrypted.sh" => self.encrypted(),
            "apply/tls-request.sh" => self.request(),
            "apply/tls-sign.sh" => self.sign(),
            "apply/tls-keep.sh" => self.keep(),
            "postgresql/cleanup.sh" => self.cleanup(),
            "apply/marker.sh" => self.marker(),
            "apply/env.sh" if self.call.arguments.contains_key("release") => self.release(),
            "apply/env.sh" => self.env(),
            "apply/forget.sh" => self.forget(),
            "postgresql/unlink.sh" => self.unlink(),
            "postgresql/retire.sh" => self.retire(),
            other => panic!("no model of {other}"),
        }
    }

    fn tls(&mut self) -> &mut Tls {
        let folder = self.text("folder");
        self.host().tls.entry(folder).or_default()
    }

    /// The answer that an argument stands for.
    fn answer(&self, name: &str) -> Result<Certificate, Stop> {
        let Some(Argument::Secret(answer)) = self.call.arguments.get(name) else {
            panic!("{name} is no answer");
        };
        match self.world.answers.get(&answer.0) {
            Some(answer) => Ok(answer.clone()),
            None => fail(format!("nobody answered {answer}")),
        }
    }

    fn request(&mut self) -> Done {
        self.budget.part()?;
        self.tls().place = self.text("place");
        let request = Certificate {
            subject: self.text("common_name"),
            ..Certificate::default()
        };
        self.world.answers.insert(self.text("answer"), request);
        self.budget.part()
    }

    fn sign(&mut self) -> Done {
        let request = self.answer("request")?;
        assert_eq!(request.subject, self.text("common_name"));
        self.budget.part()?;
        let fresh = self.world.fresh();
        let authority = *self.tls().authority.get_or_insert(fresh);
        let signed = Certificate {
            names: self.text("names").split(',').map(str::to_owned).collect(),
            authority,
            ..request
        };
        for answer in ["certificate_answer", "authority_answer"] {
            self.world.answers.insert(self.text(answer), signed.clone());
        }
        self.budget.part()
    }

    fn keep(&mut self) -> Done {
        let certificate = self.answer("certificate")?;
        self.budget.part()?;
        self.tls().certificate = Some(certificate);
        self.budget.part()
    }

    fn let_in(&mut self) -> Done {
        let (role, address) = (self.text("role"), self.text("upstream_address"));
        let port = self.text("upstream_port").parse().unwrap();
        self.connect(&address, port, &role).map(|_| ())
    }

    /// Whoever comes by this role is let in by its certificate only.
    fn encrypted(&mut self) -> Done {
        let role = self.text("role");
        match self.cluster()?.by_certificate.contains(&role) {
            true => Ok(()),
            false => fail("it is let in without a certificate"),
        }
    }

    fn provision(&mut self) -> Done {
        let reach = self.text("reach");
        let (address, port) = reach.rsplit_once(':').unwrap();
        let listens = self
            .world
            .cluster(address, port.parse().unwrap())
            .is_some_and(|upstream| upstream.running && upstream.listens(address));
        if !self.world.open(&self.machine, address) || !listens {
            return fail(format!("can't connect to {reach}"));
        }
        self.budget.part()?;
        self.host().installed = true;
        self.budget.part()?;
        let (port, name) = (
            self.port(),
            format!("{}/{}", self.text("version"), self.text("cluster")),
        );
        if self
            .host()
            .clusters
            .iter()
            .any(|(other, cluster)| *other != port && cluster.name == name)
        {
            return fail(format!("{name} is there already, on another port"));
        }
        let (id, set) = (self.world.fresh(), self.world.fresh());
        let fresh = Directory {
            id,
            set,
            empty: true,
            bytes: 40_000_000,
            ..Directory::default()
        };
        self.host().clusters.entry(port).or_insert_with(|| Cluster {
            name,
            data: Some(fresh),
            ..Cluster::default()
        });
        self.budget.part()
    }

    fn configure(&mut self) -> Done {
        let (settings, restart) = (self.settings(), self.text("restart") == "yes");
        let expect = self.lines("expect");
        let cluster = self.cluster()?;
        for line in expect {
            let (name, seen) = line.split_once('=').unwrap();
            let wanted = settings
                .iter()
                .find(|(own, _)| own == name)
                .map(|(_, value)| value.clone());
            if let Some(now) = cluster.in_force.get(name)
                && now != seen
                && Some(now) != wanted.as_ref()
            {
                return fail(format!("{name} is {now}: plan again"));
            }
        }
        self.budget.part()?;
        self.cluster()?.drop_in.extend(settings.clone());
        self.budget.part()?;
        let cluster = self.cluster()?;
        cluster.reload();
        let pending = settings
            .iter()
            .any(|(name, value)| cluster.in_force.get(name) != Some(value));
        if pending && !restart {
            return fail("these wait for a restart, which the plan doesn't have");
        }
        self.budget.part()?;
        if pending {
            let cluster = self.cluster()?;
            cluster.stop();
            cluster.start();
        }
        self.budget.part()
    }

    fn account(&mut self) -> Done {
        let (role, slot) = (self.text("role"), self.text("slot"));
        let part = match self.call.arguments.get("part") {
            Some(_) => self.text("part"),
            None => "whole".to_owned(),
        };
        self.marker()?;
        let password = self.apply;
        // What the primary has comes to those that follow.
        self.world.settle();
        let cluster = self.cluster()?;
        if part == "slot" {
            if !cluster.running || cluster.writable() {
                return fail("the server doesn't run as a standby");
            }
            if !cluster.roles.contains_key(&role) {
                return fail(format!("the role {role} hasn't come from the primary"));
            }
        } else {
            if !cluster.writable() {
                return fail("the server doesn't run");
            }
            cluster.roles.insert(role.clone(), password);
            if part == "role" {
                return self.budget.part();
            }
        }
        self.budget.part()?;
        let plain = self.text("access") == "plain";
        let cluster = self.cluster()?;
        cluster.hba.insert(role.clone());
        match plain {
            true => cluster.by_certificate.remove(&role),
            false => cluster.by_certificate.insert(role),
        };
        self.budget.part()?;
        // A lost slot is made anew; one that is good stays.
        self.cluster()?.slots.insert(slot, true);
        self.budget.part()
    }

    /// Of a replica that parts, or that reads from another member now: then its role stays.
    fn cleanup(&mut self) -> Done {
        let (role, slot) = (self.text("role"), self.text("slot"));
        let keep_role = self.call.arguments.contains_key("keep_role");
        let (machine, port) = (self.machine.clone(), self.port());
        let read = self.world.keys().into_iter().any(|(other, own)| {
            let through = self.world.cluster(&other, own).unwrap();
            through.in_force.get("primary_slot_name") == Some(&slot)
                && self.world.follows(&other, own) == Ok((machine.clone(), port))
        });
        if read {
            return fail(format!("the slot {slot} is still read from"));
        }
        self.budget.part()?;
        self.cluster()?.slots.remove(&slot);
        self.budget.part()?;
        self.cluster()?.hba.remove(&role);
        self.budget.part()?;
        let cluster = self.cluster()?;
        if !keep_role && cluster.writable() {
            cluster.roles.remove(&role);
        }
        self.budget.part()
    }

    fn passfile(&mut self) -> Done {
        let (role, upstream) = (self.text("role"), self.text("upstream_address"));
        let port = self.text("upstream_port").parse().unwrap();
        self.budget.part()?;
        let password = self.apply;
        self.cluster()?.passfile = Some((role.clone(), password));
        self.budget.part()?;
        self.world.settle();
        let set = self.connect(&upstream, port, &role)?.set;
        let expected = self.text("expect_identity");
        if !expected.is_empty() && expected != set.to_string() {
            return fail("another data set");
        }
        Ok(())
    }

    /// The upstream's data, where a replication connection to it is let in.
    fn connect(&mut self, address: &str, port: u16, role: &str) -> Result<Directory, Stop> {
        let password = self
            .cluster()?
            .passfile
            .as_ref()
            .map(|(_, password)| *password);
        if !self.world.open(&self.machine, address) {
            return fail(format!("can't connect to {address}"));
        }
        let Some(upstream) = self.world.cluster(address, port) else {
            return fail("nobody listens");
        };
        if !upstream.running || !upstream.listens(address) {
            return fail("refused");
        }
        if !upstream.hba.contains(role) || upstream.roles.get(role).copied() != password {
            return fail("the password isn't right");
        }
        let conninfo = self.text("conninfo");
        self.world
            .lets_in(&self.machine, address, upstream, role, &conninfo)
            .or_else(fail)?;
        Ok(upstream.data.clone().unwrap())
    }

    fn backup(&mut self, job: &JobCall) -> Done {
        let (role, slot) = (self.text("role"), self.text("slot"));
        let (address, port) = (
            self.text("upstream_address"),
            self.text("upstream_port").parse().unwrap(),
        );
        let identity = job.call.identity().unwrap();
        let same = self.host().job_identities.get(&job.name) == Some(&identity);
        let state = self.host().jobs.get(&job.name).copied();
        if state == Some(Job::Running) && !same {
            return fail("it runs there with other arguments");
        }
        let kept = |upstream: &Cluster, copy: &Copied| {
            copy.verified
                && upstream.slots.get(&slot) == Some(&true)
                && upstream
                    .data
                    .as_ref()
                    .is_some_and(|data| data.oldest <= copy.directory.position)
        };
        let copy = self.cluster()?.copy.clone();
        let upstream = self.world.cluster(&address, port);
        if let (Some(Job::Ended), true, Some(copy), Some(upstream)) = (state, same, copy, upstream)
            && kept(upstream, &copy)
        {
            return self.budget.part();
        }
        if state != Some(Job::Running) {
            let theirs = self.connect(&address, port, &role)?;
            if !self
                .world
                .cluster(&address, port)
                .unwrap()
                .slots
                .contains_key(&slot)
            {
                return fail("no slot");
            }
            self.budget.part()?;
            let id = self.world.fresh();
            let directory = Directory {
                id,
                precious: false,
                ..theirs
            };
            self.cluster()?.copy = Some(Copied {
                directory,
                verified: false,
            });
            self.host().jobs.insert(job.name.clone(), Job::Running);
            let identities = &mut self.host().job_identities;
            identities.insert(job.name.clone(), identity);
        }
        self.budget.part()?;
        let cluster = self.cluster()?;
        if let Some(copy) = &mut cluster.copy {
            copy.verified = true;
        }
        self.host().jobs.insert(job.name.clone(), Job::Ended);
        self.budget.part()
    }

    fn restore(&mut self) -> Done {
        let (replace, copy_of, empty) = (
            self.text("replace") == "yes",
            self.text("copy_of_upstream") == "yes",
            self.text("expect_empty") == "yes",
        );
        let identity = self.text("upstream_identity");
        let replaced = self.text("replaced_identity");
        let cluster = self.cluster()?;
        let Some(copy) = cluster.copy.clone() else {
            return match &cluster.data {
                Some(data) if data.standby && data.set.to_string() == identity => Ok(()),
                _ => fail("there is no whole copy"),
            };
        };
        if !copy.verified || copy.directory.set.to_string() != identity {
            return fail("the copy isn't whole, or of another data set");
        }
        match &cluster.data {
            None => {}
            Some(data) if replace && (replaced.is_empty() || data.set.to_string() == replaced) => {}
            Some(data) if copy_of && data.standby && data.set.to_string() == identity => {}
            Some(data) if empty && data.empty && !data.standby => {}
            Some(_) => return fail("the plan doesn't say that this data may be set aside"),
        }
        self.budget.part()?;
        self.cluster()?.copy.as_mut().unwrap().directory.standby = true;
        self.budget.part()?;
        self.cluster()?.stop();
        self.budget.part()?;
        let cluster = self.cluster()?;
        if let Some(old) = cluster.data.take() {
            cluster.aside.push(old);
        }
        self.budget.part()?;
        let cluster = self.cluster()?;
        cluster.data = cluster.copy.take().map(|copy| copy.directory);
        // What the server kept for others went with the old directory.
        cluster.slots.clear();
        let (address, port) = (
            self.text("upstream_address"),
            self.text("upstream_port").parse().unwrap(),
        );
        let copied = self
            .world
            .cluster(&address, port)
            .map(|one| one.roles.clone());
        self.cluster()?.roles = copied.unwrap_or_default();
        self.budget.part()
    }

    fn link(&mut self) -> Done {
        let (settings, restart) = (self.settings(), self.text("restart") == "yes");
        let cluster = self.cluster()?;
        if !cluster.data.as_ref().is_some_and(|data| data.standby) || cluster.passfile.is_none() {
            return fail("its server would start as a primary, or has no passfile");
        }
        self.marker()?;
        self.cluster()?.drop_in = settings.into_iter().collect();
        self.budget.part()?;
        self.cluster()?.auto = true;
        self.budget.part()?;
        let cluster = self.cluster()?;
        if cluster.running {
            cluster.reload();
            let drop_in = cluster.drop_in.clone();
            if restart
                && drop_in
                    .iter()
                    .any(|(name, value)| cluster.in_force.get(name) != Some(value))
            {
                cluster.stop();
                self.budget.part()?;
                self.cluster()?.start();
            }
        } else {
            cluster.start();
        }
        self.budget.part()
    }

    fn verify(&mut self) -> Done {
        self.world.settle();
        let (machine, port) = (self.machine.clone(), self.port());
        match self.world.follows(&machine, port) {
            Ok((host, _)) if host == self.text("upstream_address") => Ok(()),
            Ok((host, _)) => fail(format!("reads from {host}")),
            Err(why) => fail(format!("it doesn't stream: {why}")),
        }
    }

    fn marker(&mut self) -> Done {
        let (file, json) = (self.text("marker_file"), self.text("marker_json"));
        self.budget.part()?;
        self.host()
            .markers
            .insert(file, serde_json::from_str(&json).unwrap());
        self.budget.part()
    }

    fn forget(&mut self) -> Done {
        let (marker, jobs) = (self.text("marker_file"), self.text("jobs"));
        let running =
            |(name, job): (&String, &Job)| name.starts_with(&jobs) && *job == Job::Running;
        if self.host().jobs.iter().any(running) {
            return fail("a job still runs here");
        }
        self.budget.part()?;
        self.host().jobs.retain(|name, _| !name.starts_with(&jobs));
        self.budget.part()?;
        self.host().markers.remove(&marker);
        self.budget.part()
    }

    fn unlink(&mut self) -> Done {
        let accounts = self.lines("accounts");
        self.world.settle();
        let (machine, port) = (self.machine.clone(), self.port());
        let follows = self.world.follows(&machine, port);
        let cluster = self.cluster()?;
        if !cluster.running && cluster.data.as_ref().is_some_and(|data| data.standby) {
            cluster.start();
            self.budget.part()?;
        }
        if let Ok((host, upstream)) = follows {
            let has = |host: &str, port| {
                self.world
                    .cluster(host, port)?
                    .data
                    .as_ref()
                    .map(|data| data.position)
            };
            assert_eq!(
                has(&machine, port),
                has(&host, upstream),
                "a replica parts before it has everything"
            );
        }
        let cluster = self.cluster()?;
        if let Some(data) = &mut cluster.data
            && data.standby
        {
            data.standby = false;
            // From here on it holds what no other server has.
            data.precious = true;
        }
        self.budget.part()?;
        self.reduce()?;
        self.cluster()?.passfile = None;
        self.budget.part()?;
        self.cluster()?
            .roles
            .retain(|role, _| !accounts.contains(role));
        self.budget.part()
    }

    /// Of our drop-in only what the call keeps stays; what is in force stays until a restart.
    fn reduce(&mut self) -> Done {
        let keep = self.lines("keep");
        let cluster = self.cluster()?;
        cluster.drop_in.retain(|name, _| keep.contains(name));
        for name in [
            "max_slot_wal_keep_size",
            "primary_conninfo",
            "primary_slot_name",
        ] {
            cluster.in_force.remove(name);
        }
        self.budget.part()
    }

    fn retire(&mut self) -> Done {
        self.budget.part()?;
        self.reduce()
    }

    fn release(&mut self) -> Done {
        let (path, begin) = (self.text("path"), self.text("begin_line"));
        let key = begin
            .split_once("begin ")
            .unwrap()
            .1
            .split_once(':')
            .unwrap()
            .0
            .to_owned();
        self.budget.part()?;
        let file = self.host().env.entry(path).or_default();
        if file.blocks.remove(&key).is_some() {
            file.pending.insert(key.clone());
        }
        self.budget.part()?;
        let path = self.text("path");
        self.host()
            .env
            .entry(path)
            .or_default()
            .pending
            .remove(&key);
        self.budget.part()
    }

    fn env(&mut self) -> Done {
        let (path, begin) = (self.text("path"), self.text("begin_line"));
        let key = begin
            .split_once("begin ")
            .unwrap()
            .1
            .split_once(':')
            .unwrap()
            .0
            .to_owned();
        let (block, names, on_change) = (
            self.lines("block"),
            self.lines("names"),
            self.text("on_change"),
        );
        let file = self.host().env.entry(path.clone()).or_default();
        if let Some((line, name)) = file.outside.iter().find(|(_, name)| names.contains(name)) {
            return fail(format!(
                "line {line}: {name} is set outside replform's block"
            ));
        }
        if file.blocks.get(&key) != Some(&block) {
            self.budget.part()?;
            if !on_change.is_empty() {
                self.host()
                    .env
                    .get_mut(&path)
                    .unwrap()
                    .pending
                    .insert(key.clone());
            }
            self.budget.part()?;
            self.host()
                .env
                .get_mut(&path)
                .unwrap()
                .blocks
                .insert(key.clone(), block);
        }
        self.budget.part()?;
        self.host().env.get_mut(&path).unwrap().pending.remove(&key);
        self.budget.part()
    }
}

impl Cluster {
    /// A reload: what needs no restart comes into force.
    fn reload(&mut self) {
        for name in [
            "max_slot_wal_keep_size",
            "primary_conninfo",
            "primary_slot_name",
            "ssl",
            "ssl_ca_file",
            "ssl_cert_file",
            "ssl_key_file",
        ] {
            if let Some(value) = self.drop_in.get(name) {
                self.in_force.insert(name.to_owned(), value.clone());
            }
        }
    }
}

//! What each of MongoDB's scripts does to a model world, cut off after any of its parts.

use replform::plan::{Action, Argument, Call, JobCall, Work};

use super::super::execute::{Budget, Stop, execute as common, fail};
use super::super::world::Job;
use super::world::{Directory, PORT, Server, Set, Wish, World};

type Done = Result<(), Stop>;

/// Runs an action. `apply`: a number of this apply.
pub fn execute(world: &mut World, action: &Action, apply: u64, budget: &mut Budget) -> Done {
    let machine = action.machine.0.clone();
    match world.common.hosts.get(&machine) {
        Some(host) if host.unreachable.is_none() => {}
        _ => return fail("can't be reached"),
    }
    let (call, job) = match &action.work {
        Work::Script(call) => (call, None),
        Work::Job(job) => (&job.call, Some(job)),
    };
    if call.script.starts_with("apply/") {
        return common(&mut world.common, action, apply, budget);
    }
    let mut run = Run {
        world,
        machine,
        call,
        budget,
    };
    match (call.script.as_str(), job) {
        ("mongodb/provision.sh", None) => run.provision(),
        ("mongodb/configure.sh", None) => run.configure(),
        ("mongodb/account.sh", None) => run.account(),
        ("mongodb/keyfile.sh", None) => run.keyfile(),
        ("mongodb/member.sh", None) => run.member(),
        ("mongodb/link.sh", Some(job)) => run.link(job),
        ("mongodb/votes.sh", None) => run.votes(),
        ("mongodb/verify.sh", None) => run.verify(),
        (other, _) => panic!("no model of {other}"),
    }
}

struct Run<'a> {
    world: &'a mut World,
    machine: String,
    call: &'a Call,
    budget: &'a mut Budget,
}

fn host_of(place: &str) -> String {
    place.strip_suffix(&format!(":{PORT}")).unwrap().to_owned()
}

impl Run<'_> {
    fn text(&self, name: &str) -> String {
        match self.call.arguments.get(name) {
            Some(Argument::Text(text)) => text.to_string(),
            Some(Argument::Pace(text) | Argument::Volatile(text)) => text.clone(),
            Some(Argument::Number(number)) => number.to_string(),
            Some(Argument::Lines(lines)) => lines.join("\n"),
            Some(Argument::Secret(name)) => name.0.clone(),
            Some(other) => panic!("{name} is {other:?}"),
            None => panic!("{} needs {name}", self.call.script),
        }
    }

    fn yes(&self, name: &str) -> bool {
        self.text(name) == "yes"
    }

    /// `name=value` lines.
    fn pairs(&self, name: &str) -> Vec<(String, String)> {
        let text = self.text(name);
        let pairs = text.lines().map(|line| line.split_once('=').unwrap());
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn server(&mut self) -> Result<&mut Server, Stop> {
        match self.world.servers.get_mut(&self.machine) {
            Some(server) => Ok(server),
            None => fail("this host has no unit"),
        }
    }

    fn write(&mut self, wanted: &[(String, String)]) -> Done {
        let file = &mut self.server()?.file;
        for (name, value) in wanted {
            match value.as_str() {
                "" => file.remove(name),
                value => file.insert(name.clone(), value.to_owned()),
            };
        }
        Ok(())
    }

    /// Whether the upstream answers at its address: what is tried before anything is installed.
    fn reach(&self, upstream: &str) -> Done {
        let host = host_of(upstream);
        let listens = self
            .world
            .servers
            .get(&host)
            .is_some_and(|one| one.listens(&host));
        match self.world.common.open(&self.machine, &host) && listens {
            true => Ok(()),
            false => fail(format!("can't connect to {upstream}")),
        }
    }

    /// The set that the server at a place belongs to, whose primary takes changes.
    fn set_at(&self, upstream: &str) -> Result<u64, Stop> {
        let host = host_of(upstream);
        let id = self
            .world
            .set_of(&host)
            .filter(|id| self.world.alive(*id, &host));
        match id {
            Some(id) if self.world.sets[&id].primary.is_some() => Ok(id),
            _ => fail(format!("{upstream} sees no primary")),
        }
    }

    fn provision(&mut self) -> Done {
        let reach = self.text("reach");
        // An upstream that doesn't listen yet is not tried.
        if !reach.is_empty() {
            self.reach(&reach)?;
        }
        self.budget.part()?;
        let id = self.world.common.fresh();
        let servers = &mut self.world.servers;
        servers
            .entry(self.machine.clone())
            .or_insert_with(|| Server::packaged(id));
        self.budget.part()
    }

    fn configure(&mut self) -> Done {
        let (wanted, expect) = (self.pairs("wanted"), self.pairs("expect"));
        let (restart, initiate, name) =
            (self.yes("restart"), self.yes("initiate"), self.text("set"));
        let me = host_of(&self.text("me"));
        assert_eq!(me, self.machine, "a set begins with the primary itself");
        let key = self.text("key_text");
        for (name, seen) in expect {
            let now = self.server()?.file.get(&name).cloned().unwrap_or_default();
            let want = wanted.iter().find(|(own, _)| *own == name);
            if now != seen && want.is_none_or(|(_, want)| *want != now) {
                return fail(format!("{name} is {now}: plan again"));
            }
        }
        if !self.server()?.running {
            return fail("it isn't running");
        }
        if !key.is_empty() && self.server()?.key.is_none() {
            let fresh = self.world.common.fresh();
            self.server()?.key = Some(fresh);
        }
        self.budget.part()?;
        self.write(&wanted)?;
        self.budget.part()?;
        let server = self.server()?;
        let waits = server.in_force != server.file;
        if waits && !restart {
            return fail("these wait for a restart, which the plan doesn't have");
        }
        if waits {
            let server = self.server()?;
            server.stop();
            server.start();
        }
        // Only a power cut comes in between: the script is deaf to a client that goes away here.
        self.budget.part()?;
        if initiate && self.server()?.data.set.is_none() {
            let id = self.world.common.fresh();
            let (me, position) = (self.machine.clone(), self.server()?.data.position);
            let wish = Wish {
                votes: 1,
                priority: 1,
                ..Wish::default()
            };
            self.world.sets.insert(
                id,
                Set {
                    name,
                    members: [(me.clone(), wish)].into(),
                    primary: Some(me),
                    version: 1,
                    position,
                    oldest: position,
                },
            );
            let data = &mut self.server()?.data;
            data.set = Some(id);
            data.whole = true;
        }
        let machine = self.machine.clone();
        match self.world.writable(&machine) {
            true => self.budget.part(),
            false => fail("the server isn't primary"),
        }
    }

    fn account(&mut self) -> Done {
        let name = self.text("key_name");
        match self.server()?.key_in_force {
            Some(key) => {
                self.world.keys.insert(name, key);
                Ok(())
            }
            None => fail("this server has no key file any more"),
        }
    }

    fn keyfile(&mut self) -> Done {
        let Some(key) = self.world.keys.get(&self.text("key_data")).copied() else {
            return fail("the key didn't come along");
        };
        self.budget.part()?;
        self.server()?.key = Some(key);
        self.budget.part()
    }

    /// Whether it waits for the set, or is its member, with the wanted values.
    fn waits(&mut self, wanted: &[(String, String)]) -> Result<bool, Stop> {
        let (set_id, broken) = (self.text("set_id"), self.yes("copy_of_upstream"));
        let machine = self.machine.clone();
        let name = self.text("set");
        let server = self.server()?;
        if !server.running || server.set_name() != Some(&name) {
            return Ok(false);
        }
        let settled = wanted
            .iter()
            .all(|(name, want)| server.file.get(name).map_or("", String::as_str) == want);
        Ok(match self.server()?.data.set {
            None => {
                let data = &self.server()?.data;
                data.mark && settled && !data.databases
            }
            Some(id) => {
                let _ = set_id;
                self.world.alive(id, &machine) && !broken
            }
        })
    }

    fn member_may_go(&mut self) -> Done {
        let (replace, empty, broken) = (
            self.yes("replace"),
            self.yes("expect_empty"),
            self.yes("copy_of_upstream"),
        );
        let (unseen, set_id) = (self.yes("replaced_unseen"), self.text("set_id"));
        let replaced = self.text("replaced");
        let server = self.server()?;
        let data = &server.data;
        if data.bare || (!server.running && data.mark) || unseen {
            return Ok(());
        }
        if broken {
            let own = data.set.map_or(String::new(), |id| format!("{id:024x}"));
            return match own == set_id {
                true => Ok(()),
                false => fail("it isn't known to be a copy of the set's data"),
            };
        }
        if !server.running {
            return fail("the server is stopped, so nobody can tell what it holds");
        }
        match data.databases {
            false if empty || replace => Ok(()),
            true if replace && replaced.contains("shop") => Ok(()),
            _ => fail("somebody made something there since the plan"),
        }
    }

    fn member(&mut self) -> Done {
        let wanted = self.pairs("wanted");
        let key = wanted
            .iter()
            .any(|(name, value)| name == "security.keyFile" && !value.is_empty());
        if key && self.server()?.key.is_none() {
            return fail("the key file isn't there: the account comes first");
        }
        if self.waits(&wanted)? {
            self.server()?.enabled = true;
            return self.budget.part();
        }
        self.member_may_go()?;
        self.budget.part()?;
        let unseen = self.yes("replaced_unseen");
        let server = self.server()?;
        if server.running {
            // Somebody used what began empty: the mark is true no more.
            server.data.mark &= !server.data.databases && !unseen;
            self.budget.part()?;
            self.server()?.stop();
        }
        self.budget.part()?;
        if !self.server()?.data.mark || self.yes("copy_of_upstream") {
            let id = self.world.common.fresh();
            let server = self.server()?;
            let fresh = Directory {
                id,
                bare: true,
                mark: true,
                ..Directory::default()
            };
            let old = std::mem::replace(&mut server.data, fresh);
            if !old.bare {
                server.aside.push(old);
            }
        }
        self.budget.part()?;
        self.write(&wanted)?;
        self.budget.part()?;
        let server = self.server()?;
        server.enabled = true;
        server.start();
        self.budget.part()
    }

    fn link(&mut self, job: &JobCall) -> Done {
        let identity = job.call.identity().unwrap();
        let host = self.world.common.hosts.get_mut(&self.machine).unwrap();
        let same = host.job_identities.get(&job.name) == Some(&identity);
        let runs = host.jobs.get(&job.name) == Some(&Job::Running);
        if runs && !same {
            return fail("it runs there with other arguments");
        }
        if !runs {
            host.jobs.insert(job.name.clone(), Job::Running);
            host.job_identities.insert(job.name.clone(), identity);
        }
        let result = self.joins();
        if result != Err(Stop::Cut) {
            let host = self.world.common.hosts.get_mut(&self.machine).unwrap();
            host.jobs.insert(job.name.clone(), Job::Ended);
        }
        result
    }

    /// One reconfiguration, and the copy.
    fn joins(&mut self) -> Done {
        let (upstream, set_id, name) =
            (self.text("upstream"), self.text("set_id"), self.text("set"));
        let (me, machine) = (host_of(&self.text("me")), self.machine.clone());
        self.reach(&upstream)?;
        if self.server()?.file.get("replication.replSetName") != Some(&name) {
            return fail("its file doesn't name the set");
        }
        let (file, json) = (self.text("marker_file"), self.text("marker_json"));
        let host = self.world.common.hosts.get_mut(&machine).unwrap();
        host.markers
            .insert(file, serde_json::from_str(&json).unwrap());
        self.budget.part()?;
        if !self.server()?.running {
            self.server()?.start();
            self.world.settle();
        }
        self.budget.part()?;
        let id = self.set_at(&upstream)?;
        if !set_id.is_empty() && set_id != format!("{id:024x}") {
            return fail("the set is another one than the plan saw");
        }
        let data = &self.server()?.data;
        if data.set.is_none() && data.databases {
            return fail("the server holds data, which it would lose as a member");
        }
        if data.set.is_some_and(|own| own != id) {
            return fail("it is a member of another set");
        }
        let set = self.world.sets.get_mut(&id).unwrap();
        if !set.members.contains_key(&me) {
            set.version += 1;
            set.members.insert(
                me.clone(),
                Wish {
                    joining: true,
                    ..Wish::default()
                },
            );
        }
        self.world.settle();
        self.budget.part()?;
        self.world.copy_ends(&me);
        if let Err(why) = self.world.follows(&me, id) {
            return fail(why);
        }
        self.server()?.data.mark = false;
        self.budget.part()
    }

    fn votes(&mut self) -> Done {
        let (upstream, set_id) = (self.text("upstream"), self.text("set_id"));
        for host in self.text("members").lines().map(host_of) {
            let id = self.set_at(&upstream)?;
            if !set_id.is_empty() && set_id != format!("{id:024x}") {
                return fail("the set is another one than the plan saw");
            }
            let Some(wish) = self.world.sets[&id].members.get(&host).cloned() else {
                return fail(format!("{host} is no member of the set any more"));
            };
            if !wish.joining {
                continue;
            }
            if let Err(why) = self.world.follows(&host, id) {
                return fail(format!("{host} isn't a secondary now: {why}"));
            }
            let (all, alive) = self.world.voters(id);
            if 2 * (alive + 1) <= all + 1 {
                return fail("one more would leave it without most of its votes");
            }
            let set = self.world.sets.get_mut(&id).unwrap();
            set.version += 1;
            set.members.insert(
                host,
                Wish {
                    votes: 1,
                    priority: 1,
                    joining: false,
                    hidden: wish.hidden,
                },
            );
            self.budget.part()?;
        }
        Ok(())
    }

    fn verify(&mut self) -> Done {
        self.world.settle();
        let machine = self.machine.clone();
        let id = self.set_at(&self.text("upstream"))?;
        match self.world.follows(&machine, id) {
            Ok(()) => Ok(()),
            Err(why) => fail(why),
        }
    }
}

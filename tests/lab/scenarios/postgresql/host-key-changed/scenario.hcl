about = "A host whose key has changed is refused before anyone logs in."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

on "db2" { run = "rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh" }

on "db2" {
  run  = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2"
  save = "fingerprint"
}

replform "plan" {
  exit = 3
  says = ["10.77.1.12", "HOST KEY HAS CHANGED", "${fingerprint}"]
}

replform "apply -auto-approve" { fails = true }

# Nobody logged in.
on "db2" {
  run    = "journalctl -u ssh --no-pager | grep -c Accepted || true"
  prints = "0"
}

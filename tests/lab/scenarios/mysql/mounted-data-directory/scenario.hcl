about = "The data directories are mount points of their own: copies are made and swapped in inside of them, also over a server that is there."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-bare"
  address = "10.77.1.12"
}

host "db3" {
  image   = "sid-mysql"
  address = "10.77.1.13"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "60" }
}

# A volume that waits for a server to be installed, with what mkfs makes in it, and one that holds a fresh server.
on "db2" {
  script = "mount-volume.sh"
  with = {
    directory = "/var/lib/mysql"
    unit      = ""
  }
}

on "db3" {
  script = "mount-volume.sh"
  with = {
    directory = "/var/lib/mysql"
    unit      = "mysql"
  }
}

writer_starts "db1" {}

replform "apply -auto-approve" {}

writer_stops {}

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

on "db2" "db3" {
  run     = "mountpoint -q /var/lib/mysql; test -d /var/lib/mysql/lost+found; ! test -e /var/lib/mysql/.replform-swap; ls -d /var/lib/mysql/.replform-2*/mysql.ibd; stat -c '%U:%G %a' /var/lib/mysql"
  matches = ["mysql.ibd"]
  lines   = ["mysql:mysql 700"]
}

nothing_to_do {}

on "db2" { run = "systemctl restart mysql" }

wait "db2" {
  run    = "mysql -NBe 'select @@super_read_only, service_state from performance_schema.replication_connection_status'"
  prints = "1\tON"
}

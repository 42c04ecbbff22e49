#!/bin/sh
# Ends well when this server is a read-only replica of $primary and has executed $position.
set -eu
answer=$(mysql -NBe "
  select @@super_read_only and gtid_subset('${position:?}', @@global.gtid_executed)
    and exists (select 1 from performance_schema.replication_connection_configuration c join performance_schema.replication_connection_status s
      using (channel_name) where c.host = '${primary:?}' and s.service_state = 'ON' and c.auto_position = '1')
    and exists (select 1 from performance_schema.replication_applier_status where service_state = 'ON')")
[ "$answer" = 1 ]

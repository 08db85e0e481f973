#!/bin/bash
# The life of the Debian package on a host: first.deb, second.deb (a newer version), and the way back.
. /root/shared/steps.sh

installs() { dpkg --install "$1"; }
is_status() { [ "$(dpkg-query --show --showformat '${db:Status-Abbrev}' fproc)" = "$1" ]; }
is_version() { [ "$(fproc --version | cut -d' ' -f2)" = "$1" ]; }
says() { su --shell /bin/sh fproc -c 'cd / && fproc --status --config /etc/fproc/pipeline.json' | grep -q "$1"; }

# install
now 'the package installs' installs first.deb
step 'the service is active' shows ActiveState '^active$'
now 'it is enabled' systemctl is-enabled fproc
now 'it runs as a user of its own' [ "$(stat --format %U "/proc/$(systemctl show fproc -p MainPID --value)")" = fproc ]
now 'the drop folder is one that the group may write into' \
    [ "$(stat -c '%U:%G %a' /srv/fproc/unprocessed)" = 'fproc:fproc 2770' ]
now 'the program is the first version' is_version 0.1.0
useradd --groups fproc dropper
drop first 'start:ERROR: Something bad happened\n'
step 'a file that another user of the group drops is processed' has first '[ERROR] Something bad happened'

# the administrator's own configuration
echo "import os, time
def step(line):
    while line == 'wait' and not os.path.exists('/srv/fproc/go'):
        time.sleep(0.01)
    return 'own-' + line" >/etc/fproc/own.py
echo '{"watch_dir": "/srv/fproc", "nodes": [{"tag": "start", "type": "own.step", "next": "end"}],
"intake": {"settle_seconds": 0.2, "settle_unknown_seconds": 0.5}, "checkpoint": {"seconds": 0.1, "mb": 0.1}}' \
    >/etc/fproc/pipeline.json
systemctl reload fproc
drop second 'a\n'
step 'a changed configuration is taken' has second own-a

# upgrade while a file is in work
python3 -c "print('line\n' * 200000 + 'wait\nend')" >/srv/fproc/unprocessed/.big
chown dropper /srv/fproc/unprocessed/.big
mv /srv/fproc/unprocessed/.big /srv/fproc/unprocessed/big
step 'a big file is in work' test -e /srv/fproc/.fproc/jobs/big/checkpoint.json
before=$(systemctl show fproc -p MainPID --value)
now 'the newer package installs' installs second.deb
now 'the program is the newer version' is_version 0.1.1
now 'the configuration is still the own one' grep -q own.step /etc/fproc/pipeline.json
step 'the service is active again' shows ActiveState '^active$'
now 'another process serves' [ "$before" != "$(systemctl show fproc -p MainPID --value)" ]
step 'the journal says whose folder it was' journal 'was last used by .*0\.1\.0.*; fproc .*0\.1\.1.* goes on with it' 6
touch /srv/fproc/go
step 'the newer version ends the big file' test -e /srv/fproc/processed/big
now 'its result is whole' [ "$(wc -l </srv/fproc/results/big)" = 200002 ]
drop third 'a\n'
step 'the newer version processes what is dropped' has third own-a

# a service that was stopped or disabled stays so
systemctl disable --now fproc
now 'the older package takes its place' installs first.deb
now 'the program is the first version again' is_version 0.1.0
now 'what was stopped is not started' [ "$(systemctl is-active fproc)" = inactive ]
now 'what was disabled is not enabled' [ "$(systemctl is-enabled fproc)" = disabled ]
systemctl enable --now fproc
drop fourth 'a\n'
step 'the older version goes on in the same folder' has fourth own-a
step 'and knows what the newer one did' says 'processed 5 '

# upgrade under a wrong configuration
cp /etc/fproc/pipeline.json right.json
echo '{' >/etc/fproc/pipeline.json
now 'a package installs even if its service cannot start' installs second.deb
now 'dpkg has nothing left to do' is_status 'ii '
step 'the service has failed' shows ActiveState '^failed$'
cp right.json /etc/fproc/pipeline.json
now 'with the right configuration it starts again' systemctl start fproc

# remove
now 'the package is removed' dpkg --remove fproc
now 'dpkg keeps its configuration' is_status 'rc '
now 'the service has ended' [ "$(systemctl is-active fproc)" = inactive ]
now 'the program is gone' [ ! -e /usr/bin/fproc ]
now 'the configuration stays' grep -q own.step /etc/fproc/pipeline.json
drop fifth 'a\n'
now 'what is dropped meanwhile waits' [ -e /srv/fproc/unprocessed/fifth ]

# install once more
now 'the newer package installs where one was removed' installs second.deb
step 'the service runs at once' shows ActiveState '^active$'
now 'it is enabled again' systemctl is-enabled fproc
step 'what waited is processed' has fifth own-a

# purge
now 'the package is purged' dpkg --purge fproc
now 'dpkg has forgotten it' is_status ''
now 'its configuration is gone' [ ! -e /etc/fproc/pipeline.json ]
now 'no link to its unit is left' [ -z "$(find /etc/systemd/system -name 'fproc*')" ]
now 'its cache is gone' [ ! -e /var/cache/fproc ]
now 'own modules stay' [ -e /etc/fproc/own.py ]
now 'inputs stay' [ "$(ls /srv/fproc/processed | tr '\n' ' ')" = 'big fifth first fourth second third ' ]
now 'results stay' has fifth own-a
now 'the history stays' [ -s /srv/fproc/.fproc/history.db ]
now 'the user who owns the data stays' id fproc

ends

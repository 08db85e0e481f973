#!/bin/bash
# What an operator does to fproc as a service, inside a booted systemd.
. /root/shared/steps.sh

process() { echo "def step(line):
    import os, time
    while line == 'wait' and not os.path.exists('/srv/fproc/go'):
        time.sleep(0.01)
    return '$1' + line" >/etc/fproc/own.py; }

useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin fproc
useradd --groups fproc dropper
mkdir -p /opt/fproc /etc/fproc
cp fproc.pyz /opt/fproc/fproc.pyz
cp pipeline.json /etc/fproc/pipeline.json
process old-
fproc() { /opt/fproc/fproc.pyz "$@"; }
options=(--config /etc/fproc/pipeline.json --watch-dir /srv/fproc)
fproc --print tmpfiles "${options[@]}" >/etc/tmpfiles.d/fproc.conf
fproc --print systemd "${options[@]}" >/etc/systemd/system/fproc.service
fproc --print logrotate "${options[@]}" --log-file /srv/fproc/results/all.log >/etc/logrotate.d/fproc
systemd-tmpfiles --create fproc.conf
mkdir /etc/systemd/system/fproc.service.d
printf '[Service]\nWatchdogSec=5\n' >/etc/systemd/system/fproc.service.d/quick.conf

# start
systemctl daemon-reload
systemctl start fproc
step 'the service is active once it says that it is ready' shows ActiveState '^active$'
step 'its status says how it goes' shows StatusText 'processed'
drop first 'a\n'
step 'a file that another user of the group drops is processed' has first old-a
step 'the journal has the priority and no second time' journal '^first: 1 line in' 6
now 'results belong to the group' [ "$(stat -c %G /srv/fproc/results/first)" = fproc ]

# watchdog
kill -STOP "$(systemctl show fproc -p MainPID --value)"
step 'the watchdog restarts one that hangs' shows NRestarts '^1$'
drop second 'a\n'
step 'after that it works as before' has second old-a

# reload
process new-
systemctl reload fproc
step 'a reload is in the journal with both fingerprints' journal '^reloaded: fingerprint \w+ -> \w+; changed: modules' 6
drop third 'a\n'
step 'a reload takes the new version' has third new-a
echo 'def step(line:' >/etc/fproc/own.py
systemctl reload fproc
step 'a bad reload is an error in the journal' journal '^reload refused, .*SyntaxError' 3
step 'a bad reload is in the status of the service' shows StatusText 'the reload was refused'
drop fourth 'a\n'
step 'after a bad reload the old version goes on' has fourth new-a
process new-
systemctl reload fproc

# rotate a result that is appended to
step 'what is appended is there' grep -q new-a /srv/fproc/results/all.log
logrotate --verbose --force /etc/logrotate.d/fproc
drop fifth 'b\n'
step 'a result that was rotated begins anew' has all.log new-b
step 'what was rotated is whole' grep -q new-a /srv/fproc/results/all.log.1

# a token as a credential
umask 077
echo a-token-that-nobody-guesses-4711 >/etc/fproc/token
umask 022
printf '[Service]\nLoadCredential=fproc-token:/etc/fproc/token\n' >/etc/systemd/system/fproc.service.d/token.conf
systemctl daemon-reload
systemctl restart fproc
step 'the credential is asked for' answers 401
step 'the credential is taken' answers 200 a-token-that-nobody-guesses-4711

# stop while a file is in work, and go on with another build
python3 -c "print('line\n' * 200000 + 'wait\nend')" >/srv/fproc/unprocessed/.big
chown dropper /srv/fproc/unprocessed/.big
mv /srv/fproc/unprocessed/.big /srv/fproc/unprocessed/big
step 'a big file is in work' test -e /srv/fproc/.fproc/jobs/big/checkpoint.json
began=$(date +%s)
systemctl stop fproc
now 'a stop does not wait for a big file' [ $(($(date +%s) - began)) -lt 20 ]
step 'a stop is a success' shows Result '^success$'
now 'the big file is left where it was' [ -e /srv/fproc/underprocess/big ]
cp other.pyz /opt/fproc/new.pyz
mv /opt/fproc/new.pyz /opt/fproc/fproc.pyz
systemctl start fproc
touch /srv/fproc/go
step 'another build ends the big file' test -e /srv/fproc/processed/big
now 'the result of the big file is whole' [ "$(wc -l </srv/fproc/results/big)" = 200002 ]

# a wrong configuration is not tried again and again
echo '{' >/etc/fproc/pipeline.json
systemctl restart fproc
step 'a wrong configuration ends the service' shows ActiveState '^failed$'
step 'it is not started again' shows ExecMainStatus '^78$'
step 'what is wrong is an error in the journal' journal 'pipeline.json:2' 3

systemd-analyze security fproc.service --no-pager | tail -1
ends

#!/bin/sh
# Makes a group file for [pilot] from a group of the directory (docs/pilot.md):
#
#   ldapsearch -LLL -o ldif-wrap=no -x -H ldaps://mail1.renovation.example \
#       -b "CN=Presence Pilot" -s base member | pilot-group.sh /etc/livename/presence-pilot.txt
#
# Without an entry on its input it leaves the file as it is and fails: a directory that does not answer must not
# change who is in the pilot. A group without members makes an empty file: nobody.
set -eu
file=$1
entry=no
while IFS= read -r line; do
    case $line in
        "dn:"*) entry=yes ;;
        # Names with other letters than ASCII come encoded.
        "member:: "* | "uniqueMember:: "*) echo "${line#*:: }" | base64 -d && echo ;;
        "member: "* | "uniqueMember: "*) echo "${line#*: }" ;;
    esac
done > "$file.new"
if [ "$entry" = no ]; then
    rm -f "$file.new"
    echo "no group on the input, $file stays as it is" >&2
    exit 1
fi
mv "$file.new" "$file"

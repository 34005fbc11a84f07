#!/usr/bin/env bash
# Pictures of the report pages, to look at: render.sh [FOLDER]. Needs chromium (Debian: apt-get install -y --no-install-recommends
# chromium) and the built test project (dotnet build -c Release tests/DeformDetr.Oracle.Tests).
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
dotnet "$root/tests/DeformDetr.Oracle.Tests/bin/Release/net10.0/DeformDetr.Oracle.Tests.dll" pages "$folder"

# A headless window is at least 500 wide: a phone is a frame in one.
phone() {
    printf '<!DOCTYPE html><style>body{margin:0}iframe{border:0;width:390px;height:%spx}</style><iframe src="%s.html"></iframe>' "$2" "$1" \
        > "$folder/phone-$1.html"
}

# shot PAGE NAME WIDTH HEIGHT SCHEME (0 dark, 1 light)
shot() {
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$folder/profile" \
        --blink-settings=preferredColorScheme="$5" --window-size="$3,$4" --virtual-time-budget=4000 \
        --screenshot="$folder/$2.png" "file://$folder/$1.html" > "$folder/chromium.log" 2>&1
    test -s "$folder/$2.png" || { cat "$folder/chromium.log"; exit 1; }
}

for page in healthy one-wrong many-wrong incomplete empty strange thousand; do
    shot "$page" "$page-light" 1280 2600 1
    shot "$page" "$page-dark" 1280 2600 0
    phone "$page" 3000
    shot "phone-$page" "$page-phone" 500 3000 1
done

phone one-wrong 3000
shot phone-one-wrong one-wrong-phone-dark 500 3000 0
rm -rf "$folder/profile" "$folder"/phone-*.html
echo "$folder"

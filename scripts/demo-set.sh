# The data set of the demonstration; sourced by demo.sh and demo-seeds.sh.

emend=.build/release/emend

synthesize() {  # folder
    $emend dataset synthesize --output "$1" --training 400 --validation 60 --size 96 --classes 5
}

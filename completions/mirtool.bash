# bash completion of mirtool; written by `make docs`
_mirtool() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
    local name="${COMP_WORDS[1]}" kinds="" flags="" words="" path
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "sync warp onsets tempo beats separate nmf-decompose edit mosaic match-midi match-audio identify versions similar transcribe features sonify plot convert evaluate doctor --help --version" -- "$cur"))
        return
    fi
    case "$name" in
        identify) kinds="add query monitor list remove merge verify" ;;
        features) kinds="spectrogram chroma cens dlnco novelty tempogram plp sync salience" ;;
        evaluate) kinds="sync onsets drums beats tempo separation retrieval" ;;
        *) ;;
    esac
    if [[ -n "$kinds" ]] && ((COMP_CWORD == 2)); then
        COMPREPLY=($(compgen -W "$kinds --help" -- "$cur"))
        return
    fi
    path="$name${kinds:+ ${COMP_WORDS[2]}}"
    case "$path $prev" in
        "sync --method") words="multiscale exact" ;;
        "sync --steps") words="classic slanted" ;;
        "sync --format") words="csv tsv json fmp" ;;
        "sync --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "warp --tsm") words="hps pv wsola" ;;
        "warp --format") words="csv tsv json lab beats mireval audacity fmp sv jams npy midi wav flac ogg opus mp3 aiff au caf" ;;
        "warp --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "onsets --method") words="superflux complexflux energy spectral phase complex" ;;
        "onsets --norm") words="none max local" ;;
        "onsets --format") words="csv tsv json beats mireval audacity fmp sv jams midi" ;;
        "onsets --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "tempo --format") words="csv tsv json" ;;
        "tempo --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "beats --level") words="half double" ;;
        "beats --method") words="hmm dp plp" ;;
        "beats --format") words="csv tsv json beats mireval audacity fmp sv jams midi" ;;
        "beats --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "separate --method") words="hpss score vocals repet repet-sim" ;;
        "separate --mask") words="soft wiener binary" ;;
        "separate --align") words="auto always never" ;;
        "separate --format") words="wav flac ogg opus mp3 aiff au caf" ;;
        "separate --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "nmf-decompose --init") words="random pitch score drums" ;;
        "nmf-decompose --cost") words="euclidean kl is" ;;
        "nmf-decompose --model") words="nmf nmfd autoencoder" ;;
        "nmf-decompose --spectrum") words="magnitude power" ;;
        "nmf-decompose --mask") words="soft wiener binary" ;;
        "nmf-decompose --align") words="auto always never" ;;
        "nmf-decompose --sounds") words="track pitch" ;;
        "nmf-decompose --format") words="wav flac ogg opus mp3 aiff au caf" ;;
        "nmf-decompose --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "edit --mask") words="soft wiener binary" ;;
        "edit --align") words="auto always never" ;;
        "edit --format") words="wav flac ogg opus mp3 aiff au caf" ;;
        "edit --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "mosaic --phase") words="source griffin-lim" ;;
        "mosaic --format") words="wav flac ogg opus mp3 aiff au caf" ;;
        "mosaic --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "match-midi --method") words="graded p1 p2 p3 siam s1 s2 w1 w2" ;;
        "match-midi --time") words="scaled fixed warped" ;;
        "match-midi --format") words="csv tsv json" ;;
        "match-audio --statistics") words="log quantized" ;;
        "match-audio --method") words="dtw diagonal" ;;
        "match-audio --format") words="csv tsv json" ;;
        "match-audio --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "identify add --method") words="landmarks triplets" ;;
        "identify add --format") words="csv tsv json" ;;
        "identify add --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "identify query --format") words="csv tsv json" ;;
        "identify query --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "identify monitor --format") words="csv tsv json" ;;
        "identify monitor --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "identify list --format") words="csv tsv json" ;;
        "identify remove --format") words="csv tsv json" ;;
        "identify merge --format") words="csv tsv json" ;;
        "identify verify --format") words="csv tsv json" ;;
        "versions --format") words="csv tsv json" ;;
        "versions --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "similar --aspect") words="timbre rhythm harmony" ;;
        "similar --proximity") words="mutual none" ;;
        "similar --format") words="csv tsv json" ;;
        "similar --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "transcribe --format") words="csv tsv json beats mireval audacity fmp sv jams midi" ;;
        "transcribe --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "features spectrogram --bank") words="gaussian semitone" ;;
        "features spectrogram --scale") words="linear pitch" ;;
        "features spectrogram --format") words="csv tsv npy" ;;
        "features spectrogram --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "features chroma --bank") words="gaussian semitone" ;;
        "features chroma --norm") words="none l1 l2 max" ;;
        "features chroma --format") words="csv tsv npy" ;;
        "features chroma --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "features cens --bank") words="gaussian semitone" ;;
        "features cens --format") words="csv tsv npy" ;;
        "features cens --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "features dlnco --format") words="csv tsv npy" ;;
        "features dlnco --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "features novelty --stage") words="spectrogram compression difference accumulation novelty" ;;
        "features novelty --method") words="superflux complexflux energy spectral phase complex" ;;
        "features novelty --norm") words="none max local" ;;
        "features novelty --format") words="csv tsv npy" ;;
        "features novelty --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "features tempogram --method") words="fourier autocorrelation cyclic cyclic-autocorrelation" ;;
        "features tempogram --format") words="csv tsv npy" ;;
        "features tempogram --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "features plp --format") words="csv tsv npy" ;;
        "features plp --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "features sync --format") words="csv tsv npy" ;;
        "features sync --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "features salience --format") words="csv tsv npy" ;;
        "features salience --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "sonify --instrument") words="piano harpsichord organ strings click drums" ;;
        "sonify --format") words="wav flac ogg opus mp3 aiff au caf" ;;
        "plot --format") words="png svg pdf" ;;
        "plot --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "convert --format") words="csv tsv json lab beats mireval audacity fmp sv jams npy midi wav flac ogg opus mp3 aiff au caf" ;;
        "convert --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "evaluate sync --format") words="csv tsv json" ;;
        "evaluate onsets --format") words="csv tsv json" ;;
        "evaluate drums --format") words="csv tsv json" ;;
        "evaluate beats --format") words="csv tsv json" ;;
        "evaluate tempo --format") words="csv tsv json" ;;
        "evaluate separation --format") words="csv tsv json" ;;
        "evaluate separation --raw") words="u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be" ;;
        "evaluate retrieval --format") words="csv tsv json" ;;
        "doctor --format") words="csv tsv json" ;;
        *) ;;
    esac
    if [[ -n "$words" ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
        return
    fi
    case "$path" in
        "sync") flags="--anchors --joint --grid --at --confidence --cost-matrix --cost-rate --method --steps --step-weights --feature-weights --transpose --band --subsequence --no-subsequence --trim --no-trim --feature-rate --tuning --compression --onset-compression -o --output --format --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --pedal --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "warp") flags="--source --target --inverse --compose --tsm -o --output --format --subtype --from --raw --sample-rate --channels --input-feature-rate --pedal --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "onsets") flags="--activation --snap --tolerance --slice --feature-rate --analysis-rate --window-length --octave-bands --low --high --compression --lag --reach --lookahead --method --average --norm --threshold --min-gap --comparison --live --delay -o --output --format --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "tempo") flags="-k --count --curve --activation --range --prior --hint --window --curve-rate --curve-window --steadiness -o --output --format --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "beats") flags="--hint --first-downbeat --correct --activation --level --subdivide --click --beats-per-bar --bar-change --range --tempi --steadiness --method --beat-share --tightness --feature-rate --analysis-rate --window-length --octave-bands --low --high --compression --lag --reach --lookahead --registers --register-weights --live --delay -o --output --format --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "separate") flags="--method --score --f0 --write-f0 --masks --normalize --residual --input-feature-rate --write-masks --window --hop --mask --power --time-median --frequency-median --bass-edge --bass-median --margin --period --similar --similar-distance --similarity --neighbourhood --cutoff --score-window --partials --pitch-tolerance --early --late --rounds --align --f0-range --voicing --vocals-window --accompaniment-rank --model-updates -o --output --format --subtype --only --plot --from --raw --sample-rate --channels --start --duration --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "nmf-decompose") flags="--init --score --strokes --init-W --init-H --fix-W --fix-H --resynthesize --restore-transients --trace --rank --cost --beta --iterations --tolerance --sparsity --continuity --restarts --seed --model --window --hop --spectrum --template-length --learning --mask --power --pitch-low --pitch-high --tuning --partials --early --late --align --sounds --drums -o --output --format --subtype --only --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "edit") flags="--score --solo --mute --gain --shift-pitch --move --write-score --mask --power --score-window --partials --pitch-tolerance --early --late --rounds --align -o --output --format --subtype --plot --from --raw --sample-rate --channels --start --duration --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "mosaic") flags="--write-activations --window --hop --iterations --repetition --polyphony --continuity --phase --phase-iterations --seed -o --output --format --subtype --plot --from --raw --sample-rate --channels --start --duration --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "match-midi") flags="--notes --track --channel --count --extract --method --time --tempo-range --transpose --no-transpose --inversion --no-inversion --retrograde --no-retrograde --tolerance --pitch-tolerance --overlap --no-overlap --drums --no-drums --duration-weight --interruption-weight --tempo-weight -o --output --format --plot --from --start --duration --pedal --index --build --queries --top --min-score --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "match-audio") flags="--top --feature-rate --statistics --tuning --method --smoothing --downsampling --transpose --no-transpose --tempo-range --max-overlap -o --output --format --plot --from --raw --sample-rate --channels --start --duration --pedal --index --build --queries --min-score --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "identify add") flags="--index --method --density --fan-out -o --output --format --from --raw --sample-rate --channels --start --duration --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "identify query") flags="--index --min-confidence --speed-range -o --output --format --plot --from --raw --sample-rate --channels --start --duration --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "identify monitor") flags="--index --min-confidence --speed-range --window --step --live -o --output --format --plot --from --raw --sample-rate --channels --start --duration --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "identify list") flags="--index -o --output --format -q --quiet -v --verbose --debug -h --help" ;;
        "identify remove") flags="--index -o --output --format --files-from -q --quiet -v --verbose --debug -h --help" ;;
        "identify merge") flags="--index -o --output --format --files-from -q --quiet -v --verbose --debug -h --help" ;;
        "identify verify") flags="--index -o --output --format -q --quiet -v --verbose --debug -h --help" ;;
        "versions") flags="--matrix --diffuse --feature-rate --tuning --compression --stack --neighbours --gap-onset --gap-extension --transpositions --tempo-ratios --candidates -o --output --format --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --pedal --index --build --queries --top --min-score --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "similar") flags="--aspect --matrix --cepstra --rhythm-coefficients --lags --weights --proximity -o --output --format --plot --from --raw --sample-rate --channels --start --duration --index --build --queries --top --min-score --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "transcribe") flags="--drums --write-activations --feature-rate --analysis-rate --window-length --octave-bands --low --high --power --template --iterations --threshold --min-gap -o --output --format --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "features spectrogram") flags="--feature-rate --analysis-rate --window-length --pitch-low --pitch-high --tuning --bank --compression --partials --decay --scale --power --no-power -o --output --format --plot --from --raw --sample-rate --channels --start --duration --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "features chroma") flags="--feature-rate --analysis-rate --window-length --pitch-low --pitch-high --tuning --bank --compression --partials --decay --norm --threshold -o --output --format --plot --from --raw --sample-rate --channels --start --duration --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "features cens") flags="--feature-rate --analysis-rate --window-length --pitch-low --pitch-high --tuning --bank --compression --partials --decay --smoothing --downsampling --threshold -o --output --format --plot --from --raw --sample-rate --channels --start --duration --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "features dlnco") flags="--feature-rate --analysis-rate --pitch-low --pitch-high --tuning --onset-compression --local-norm --local-threshold --decay-frames -o --output --format --plot --from --raw --sample-rate --channels --start --duration --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "features novelty") flags="--stage --feature-rate --analysis-rate --window-length --octave-bands --low --high --compression --lag --reach --lookahead --method --average --norm -o --output --format --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "features tempogram") flags="--tempo-window --tempo-low --tempo-high --tempo-step --feature-rate --method --octave-bins -o --output --format --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "features plp") flags="--tempo-window --tempo-low --tempo-high --tempo-step --hop -o --output --format --plot --from --raw --sample-rate --channels --start --duration --input-feature-rate --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "features sync") flags="--feature-rate --tuning --compression --onset-compression -o --output --format --plot --from --raw --sample-rate --channels --start --duration --pedal --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "features salience") flags="--feature-rate --analysis-rate --window-length --f0-range --pitch-step --partials --partial-decay --flattening --steadiness -o --output --format --plot --from --raw --sample-rate --channels --start --duration --files-from -j --jobs --skip-existing -H --with-filename --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "sonify") flags="--over --stereo --gain --instrument --sample-rate -o --output --format --subtype --from --input-feature-rate --pedal --files-from -j --jobs --skip-existing -q --quiet -v --verbose --debug -h --help" ;;
        "plot") flags="--below --over --title -o --output --format --from --raw --sample-rate --channels --start --duration --input-feature-rate --pedal --files-from -j --jobs --skip-existing -q --quiet -v --verbose --debug -h --help" ;;
        "convert") flags="--sample-rate -o --output --format --subtype --from --raw --channels --start --duration --input-feature-rate --pedal --files-from -j --jobs --skip-existing -H --with-filename -q --quiet -v --verbose --debug -h --help" ;;
        "evaluate sync") flags="--resamples --level --seed -o --output --format --plot --from --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "evaluate onsets") flags="--window --resamples --level --seed -o --output --format --plot --from --pedal --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "evaluate drums") flags="--window --resamples --level --seed -o --output --format --plot --from --pedal --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "evaluate beats") flags="--window --trim --resamples --level --seed -o --output --format --plot --from --pedal --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "evaluate tempo") flags="--tolerance --resamples --level --seed -o --output --format --plot --from --pedal --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "evaluate separation") flags="--mixture --filter-length --resamples --level --seed -o --output --format --plot --from --raw --sample-rate --channels --start --duration --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "evaluate retrieval") flags="--filter --all --ranks --resamples --level --seed -o --output --format --plot --from --input-feature-rate --files-from -j --jobs --skip-existing --params --dump-params -q --quiet -v --verbose --debug -h --help" ;;
        "doctor") flags="--warm -o --output --format -q --quiet -v --verbose --debug -h --help" ;;
        *) ;;
    esac
    if [[ "$cur" == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    fi
}
complete -o bashdefault -o default -F _mirtool mirtool

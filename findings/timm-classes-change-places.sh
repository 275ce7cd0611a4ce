#!/usr/bin/env bash
# timm 1.0.31: the class indices of an image folder change from one Python process to the next, if two classes differ only in case.
#
# Classes are sorted by a key in lower case, in which numbers are read as numbers, so Apple and apple, or 1 and 01, are equal. Between
# equals, sorted() keeps the order of what it is given, which is a set of strings, and that order is drawn anew by each process. A
# model that was trained by one process is then scored, or used, with two classes exchanged by the next, in about half of all cases.
# The maintainer calls the order "alphabetic with natural number sort" (issue 222); a class map, if one is given, is right.
# torchvision's ImageFolder has the same indices each time. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet timm==1.0.31 torch==2.15.0 torchvision==0.29.2 pillow==13.0.0 numpy==2.4.6 2>/dev/null
cd "$folder"
for class in Apple apple plum; do # the brand and the fruit
    mkdir -p "photos/$class"
    "$folder/venv/bin/python" -c "from PIL import Image; Image.new('RGB', (8, 8)).save('photos/$class/1.png')"
done
cat > indices.py <<'PYTHON'
import timm
import torchvision

if __name__ == "__main__":
    print(timm.data.create_dataset("", root="photos").reader.class_to_idx, end=" - ")
    print("torchvision:", torchvision.datasets.ImageFolder("photos").class_to_idx)
PYTHON
"$folder/venv/bin/python" -c "import timm; print('timm', timm.__version__)"
echo "expected: the same indices in each process, as of torchvision"
for process in 1 2 3; do # PYTHONHASHSEED stands for what each process draws
    PYTHONHASHSEED=$process "$folder/venv/bin/python" -W ignore indices.py | tee -a seen | sed "s/^/seen, process $process: /"
done
[ "$(sed 's/ - .*//' seen | sort --unique | wc --lines)" = 2 ]
[ "$(sed 's/.* - //' seen | sort --unique | wc --lines)" = 1 ]

"""Names and shapes of Xception-65's tensors in timm, without its classifier: one `NAME EXTENT,EXTENT…` a line.

    pip install timm
    python Tests/NetworksTests/Golden/timm_names.py > Tests/NetworksTests/Golden/xception65-timm.txt
"""
import timm

for name, tensor in timm.create_model('xception65', num_classes=0).state_dict().items():
    if not name.endswith('num_batches_tracked'):
        print(name, ','.join(map(str, tensor.shape)))

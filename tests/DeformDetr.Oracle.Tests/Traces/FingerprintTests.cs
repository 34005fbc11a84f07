using System.Security.Cryptography;
using System.Text;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Traces;

/// <summary>Fingerprints, byte by byte as golden-contract.md, section 5 has them.</summary>
public class FingerprintTests
{
    [Fact]
    public void A_tensor_is_hashed_with_its_name_type_shape_and_bytes()
    {
        byte[] text = [.. Encoding.UTF8.GetBytes("hs.0"), 0, .. Encoding.UTF8.GetBytes("F32"), 0, .. Encoding.UTF8.GetBytes("2,1"), 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0];
        Assert.Equal(SHA256.HashData(text), Fingerprint.OfTensor("hs.0", Tensor<float>.Create([2, 1], [1f, -2f])));
    }

    [Fact]
    public void Every_NaN_counts_as_the_quiet_positive_one()
    {
        byte[] quiet = Fingerprint.OfTensor("t", Tensor<float>.Create([1], [BitConverter.UInt32BitsToSingle(0x7FC00000)]));
        Assert.Equal(quiet, Fingerprint.OfTensor("t", Tensor<float>.Create([1], [BitConverter.UInt32BitsToSingle(0xFFC00001)])));
        Assert.NotEqual(quiet, Fingerprint.OfTensor("t", Tensor<float>.Create([1], [0f])));
    }

    [Fact]
    public void Signed_zeros_names_and_shapes_tell_tensors_apart()
    {
        Tensor<double> tensor = Tensor<double>.Create([2], [0.0, 1.0]);
        byte[] hash = Fingerprint.OfTensor("a", tensor);
        Assert.NotEqual(hash, Fingerprint.OfTensor("b", tensor));
        Assert.NotEqual(hash, Fingerprint.OfTensor("a", tensor.Reshape([1, 2])));
        Assert.NotEqual(hash, Fingerprint.OfTensor("a", Tensor<double>.Create([2], [-0.0, 1.0])));
    }

    [Fact]
    public void A_run_is_the_hash_of_its_outputs_in_ordinal_order()
    {
        byte[] a = SHA256.HashData([1]);
        byte[] b = SHA256.HashData([2]);
        string expected = Convert.ToHexStringLower(SHA256.HashData([.. a, .. b]));
        Assert.Equal(expected, Fingerprint.OfRun(new Dictionary<string, byte[]> { ["pred_logits"] = b, ["aux_outputs.0.pred_boxes"] = a }));
    }

    [Fact]
    public void Only_the_models_outputs_count()
    {
        Assert.True(Fingerprint.IsOutput("pred_boxes") && Fingerprint.IsOutput("aux_outputs.3.pred_logits") && Fingerprint.IsOutput("enc_outputs.pred_boxes"));
        Assert.False(Fingerprint.IsOutput("results.0.boxes") || Fingerprint.IsOutput("transformer.memory"));
    }
}

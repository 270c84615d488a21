"""What the page says of each attribution method, in Chinese: its name, a formula, and a sentence."""

METHODS = {
    "saliency": ("显著图", "|∂s_{k}/∂x|，取三种颜色中最大的", "明亮的像素稍有变化，分数变化最大，无论增减。"),
    "smoothgrad": (
        "SmoothGrad",
        "对噪声 n 取平均：x + n 处的 ∂s_{k}/∂x",
        "对许多加噪副本的梯度取平均：闪烁的部分相互抵消。",
    ),
    "vargrad": ("VarGrad", "对噪声 n 取方差：x + n 处的 ∂s_{k}/∂x", "明亮的像素在照片加噪时梯度变化最大。"),
    "gradient_x_input": ("梯度 × 输入", "x · ∂s_{k}/∂x", "假如网络是线性的，每个像素会为分数贡献多少。"),
    "full_gradient": (
        "FullGrad",
        "Σ_{l} |b_{l} · ∂s_{k}/∂b_{l}| + |x · ∂s_{k}/∂x|",
        "把分数分配给像素和各层的偏置，各在其位置。",
    ),
    "integrated_gradients": (
        "积分梯度",
        "(x − x_{0}) · 对 a 取平均：x_{0} + a (x − x_{0}) 处的 ∂s_{k}/∂x",
        "从空白图像走到照片，累加每个像素一路上的贡献。",
    ),
    "expected_gradients": (
        "期望梯度",
        "对 x_{0}, a 取平均：(x − x_{0}) · x_{0} + a (x − x_{0}) 处的 ∂s_{k}/∂x",
        "与积分梯度相同，但从许多真实照片出发，而不是一张空白图像。",
    ),
    "blur_integrated_gradients": (
        "模糊积分梯度",
        "Σ_{σ} ∂s_{k}/∂x_{σ} · Δx_{σ}",
        "从模糊的照片走到清晰的照片：每个细节在出现时得到归因。",
    ),
    "guided_integrated_gradients": (
        "引导积分梯度",
        "∫ ∂s_{k}/∂x dx，梯度小的像素先走",
        "沿一条弯曲的路径走到照片，避开梯度剧烈变化的地方。",
    ),
    "deep_lift": (
        "DeepLIFT",
        "(x − x_{0}) · m，在 ReLU 处 m = Δy/Δx",
        "把每个神经元与它对空白图像的值相比较，并分配差值。",
    ),
    "lrp": (
        "LRP（逐层相关性传播）",
        "R_{i} = Σ_{j} x_{i} w_{ij} / Σ_{i} x_{i} w_{ij} · R_{j}",
        "分数像水一样流回：每个神经元把所得分给为它提供输入的神经元。",
    ),
    "guided": (
        "引导反向传播",
        "∂s_{k}/∂x，每个 ReLU 只让正梯度通过",
        "轮廓清晰，但几乎与类别无关：换一个类别试试。",
    ),
    "deconvnet": (
        "反卷积网络",
        "∂s_{k}/∂x，ReLU 改为作用于梯度",
        "无论神经元是否激活，正梯度都通过。",
    ),
    "cam": ("CAM", "max(0, Σ_{c} w_{ck} A_{c})", "最后的特征图按类别分数对其平均值的权重相加。"),
    "grad_cam": (
        "Grad-CAM",
        "max(0, Σ_{c} α_{c} A_{c}), α_{c} = ∂s_{k}/∂A_{c} 的平均值",
        "把增大后有利于该类别的特征图相加：粗糙，但与类别有关。",
    ),
    "grad_cam_plus_plus": (
        "Grad-CAM++",
        "max(0, Σ_{c} A_{c} Σ_{ij} α_{cij} max(0, g_{cij}))",
        "与 Grad-CAM 类似，但小区域的权重更大，从而能找到多个物体。",
    ),
    "layer_cam": ("LayerCAM", "max(0, Σ_{c} max(0, g_{c}) · A_{c})", "每个位置都有自己的权重，即它的正梯度。"),
    "hires_cam": (
        "HiResCAM",
        "max(0, Σ_{c} g_{c} · A_{c})",
        "每个位置上梯度乘以激活，不像 Grad-CAM 那样先取平均。",
    ),
    "xgrad_cam": (
        "XGrad-CAM",
        "max(0, Σ_{c} α_{c} A_{c}), α_{c} = Σ A_{c} g_{c} / Σ A_{c}",
        "与 Grad-CAM 类似，但梯度只在特征图激活处起作用。",
    ),
    "score_cam": (
        "Score-CAM",
        "α = softmax(s_{k}(x · A_{c}))",
        "每张特征图用作照片的掩模；能保持高分的特征图权重最大。",
    ),
    "ablation_cam": (
        "Ablation-CAM",
        "α_{c} = (s_{k} − 去掉 A_{c} 后的 s_{k}) / s_{k}",
        "依次关闭每张特征图，分数下降多少，权重就是多少。",
    ),
    "eigen_cam": ("EigenCAM", "A 的第一主成分", "大多数特征图的共同之处；不针对任何类别。"),
    "guided_grad_cam": ("引导 Grad-CAM", "引导反向传播 · Grad-CAM", "清晰的轮廓，只保留 Grad-CAM 看到类别的地方。"),
    "occlusion": (
        "遮挡",
        "s_{k}(x) − s_{k}(x，带灰色方块)",
        "灰色方块在照片上移动：蓝色表示遮住后分数下降。",
    ),
    "rise": (
        "RISE",
        "对随机掩模 m 取平均：m · p_{k}(x · m)",
        "数百个随机掩模：像素可见时类别总被识别出来，它就明亮。",
    ),
    "kernel_shap": (
        "KernelSHAP",
        "s_{k}(部分 S) ≈ φ_{0} + Σ_{i∈S} φ_{i}",
        "照片被切成若干部分，每部分得到分数中公平的一份（沙普利值）。",
    ),
}
